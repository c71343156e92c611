"""Plain HTTP to the collector and to Prometheus, bounded in time."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from celery_otel.broker import said

TIMEOUT = 3.0
"""Seconds without an answer after which to give up."""
_OK = 200


class FetchError(Exception):
    """Nobody answered, or something else than what was asked for."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer.

    Attributes:
        status: The HTTP status.
        body: What came with it.
    """

    status: int
    body: str


def request(method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Response:
    """Sends a request.

    Raises:
        FetchError: Nobody answered; the message says why in one line.
    """
    try:
        address = urlsplit(url)
        connection = _connection(address)
    except ValueError as error:
        raise FetchError(f"no usable URL: {said(error)}") from error
    path = quote(address.path or "/", safe="/%") + (f"?{address.query}" if address.query else "")
    try:
        connection.request(method, path, body=body or None, headers=dict(headers or {}))
        response = connection.getresponse()
        return Response(response.status, response.read().decode(errors="replace"))
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise FetchError(said(error)) from error
    finally:
        connection.close()


def _connection(address: SplitResult) -> http.client.HTTPConnection:
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise ValueError("it begins with http:// or https:// and a host")
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    return kind(address.hostname, address.port, timeout=TIMEOUT)


def fetch(url: str) -> str:
    """The body of a page.

    Raises:
        FetchError: Nobody answered, or not with success.
    """
    response = request("GET", url)
    if response.status != _OK:
        raise FetchError(f"it answered {response.status}")
    return response.body


def ask_prometheus(url: str, path: str, **parameters: str) -> Any:
    """The data of an answer of Prometheus's API.

    Raises:
        FetchError: Nobody answered, or it is no Prometheus.
    """
    body = fetch(f"{url.rstrip('/')}{path}?{urlencode(parameters)}")
    try:
        return json.loads(body)["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise FetchError("its answer is not Prometheus's") from error


def without_password(url: str) -> str:
    """A URL that can be shown."""
    address = urlsplit(url)
    return address._replace(netloc=address.netloc.rpartition("@")[2], query="").geturl()
