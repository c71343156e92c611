"""Reads from another service by HTTP. User and password of its address are sent to it alone, and never shown."""

import base64
import http.client
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from celery_otel.broker import said
from celery_otel_api.errors import ApiError, ConfigurationError

_MOST_OF_ERROR = 100_000
"""Bytes of what comes with an error that are read."""


class RemoteError(ApiError):
    """A service did not answer as it should. The message says which and why, without its password.

    Args:
        message: Says it.
        status: The HTTP status, if there was one.
        body: What came with that, as far as it is not too long.
    """

    def __init__(self, message: str, status: int | None = None, body: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirect: another address must not get the password."""

    def redirect_request(self, *_: Any) -> None:
        """Refuses it: the redirect becomes an error."""


class Remote:
    """A service.

    Args:
        name: What it is, for messages.
        url: Its address, with user and password if it asks for them.
        option: The variable that the address comes from.
        timeout: Seconds without an answer after which to give up.
        accept: What kinds of text are wanted, as HTTP says it.

    Attributes:
        address: Its address without them, and without what follows a question mark.

    Raises:
        ConfigurationError: It is no address of HTTP.
    """

    def __init__(self, name: str, url: str, *, option: str, timeout: float, accept: str = "*/*") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            # The value may have a password in it, so it is not repeated.
            raise ConfigurationError(f"{option} cannot be used: it has to be an address that begins with http://.")
        place = parts.netloc.rpartition("@")[2]
        self.name = name
        self.address = urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))
        self._query = f"?{parts.query}" if parts.query else ""
        self._headers = {"Accept": accept, **_authorization(parts.username, parts.password)}
        self._timeout = timeout
        self._opener: OpenerDirector = build_opener(_NoRedirects)

    def read(self, path: str = "", *, most: int) -> bytes:
        """The body that it answers with.

        Args:
            path: What to add to its address, instead of the query that this may have.
            most: Bytes that it may have at most.

        Raises:
            RemoteError: It did not answer, or with an error, or with more.
        """
        url = f"{self.address}{path or self._query}"
        request = Request(url, headers=self._headers)  # noqa: S310  # checked above: HTTP alone
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                body: bytes = response.read(most + 1)
        except HTTPError as error:
            with error:
                raise self.error(f"HTTP {error.code} {error.reason}", error.code, _body(error)) from None
        except (OSError, http.client.HTTPException) as error:
            raise self.error(said(error)) from None
        if len(body) > most:
            raise self.error(f"its answer is longer than {most} bytes")
        return body

    def error(self, why: str, status: int | None = None, body: bytes = b"") -> RemoteError:
        """The error that says why."""
        return RemoteError(f"{self.name} at {self.address} does not answer as it should: {why}.", status, body)


def _body(error: HTTPError) -> bytes:
    try:
        return error.read(_MOST_OF_ERROR)
    except (OSError, http.client.HTTPException):
        return b""


def _authorization(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    credentials = f"{unquote(user)}:{unquote(password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}
