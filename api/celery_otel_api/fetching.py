"""Reads a page of another service (the collector, Prometheus), within a bound. It blocks: call it in a thread."""

from base64 import b64encode
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from time import monotonic
from urllib.parse import SplitResult, unquote, urlsplit

from celery_otel_api.broker import said
from celery_otel_api.errors import ApiError

MOST = 64 * 1024 * 1024
"""Bytes of a page that are read; a longer one is refused."""
_CHUNK = 256 * 1024
_OK = 200
_CONNECTIONS: dict[str, type[HTTPConnection]] = {"http": HTTPConnection, "https": HTTPSConnection}


class FetchError(ApiError):
    """A page could not be read. The message says which and why, without the password of its address."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page.

    Attributes:
        text: What it says.
        content_type: What kind of text that is.
    """

    text: str
    content_type: str


def fetch(url: str, *, timeout: float, accept: str = "*/*") -> Fetched:
    """Reads a page; of one that redirects elsewhere nothing is read.

    Args:
        url: Its address, with or without user and password.
        timeout: Seconds until the answer begins, and as many for the rest of it.
        accept: What kinds of text are wanted, as HTTP says it.

    Raises:
        FetchError: It could not be read in time, or the status is not 200.
    """
    address = urlsplit(url)
    try:
        return _fetched(address, timeout, {"Accept": accept, **_credentials(address)})
    except (OSError, HTTPException, ValueError) as error:
        raise FetchError(f"{_shown(address)} cannot be read: {said(error)}.") from error


def _fetched(address: SplitResult, timeout: float, headers: dict[str, str]) -> Fetched:
    connection = _connection(address, timeout)
    try:
        connection.request("GET", f"{address.path or '/'}{f'?{address.query}' if address.query else ''}", None, headers)
        response = connection.getresponse()
        if response.status != _OK:
            raise FetchError(f"{_shown(address)} cannot be read: it answered {response.status} {response.reason}.")
        return Fetched(_body(response, monotonic() + timeout).decode(), response.getheader("Content-Type", ""))
    finally:
        connection.close()


def _connection(address: SplitResult, timeout: float) -> HTTPConnection:
    kind = _CONNECTIONS.get(address.scheme)
    if kind is None or not address.hostname:
        raise ValueError("an address begins with http:// or https:// and the name of a host")
    return kind(address.hostname, address.port, timeout=timeout)


def _body(response: HTTPResponse, deadline: float) -> bytes:
    body = bytearray()
    while chunk := response.read1(_CHUNK):
        body += chunk
        if len(body) > MOST:
            raise ValueError(f"it is longer than {MOST} bytes")
        if monotonic() > deadline:
            raise TimeoutError("its end did not come in time")
    return bytes(body)


def _credentials(address: SplitResult) -> dict[str, str]:
    if address.username is None:
        return {}
    pair = f"{unquote(address.username)}:{unquote(address.password or '')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _shown(address: SplitResult) -> str:
    """The address without user, password and query."""
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path}"
