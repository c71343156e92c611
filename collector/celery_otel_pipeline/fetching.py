"""Plain HTTP to servers on loopback."""

import http.client
from urllib.parse import urlsplit

_OK = 200


class FetchError(RuntimeError):
    """A server answered with something else than success: the HTTP `status`."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def fetch(url: str, *, timeout: float = 10.0) -> str:
    """Return the body of a page.

    Args:
        url: An `http://` address.
        timeout: Seconds without any byte after which to give up.

    Raises:
        FetchError: The status was not 200.
        OSError: Nobody answered.
    """
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=timeout)
    try:
        connection.request("GET", f"{address.path or '/'}?{address.query}")
        response = connection.getresponse()
        body = response.read().decode()
    finally:
        connection.close()
    if response.status != _OK:
        raise FetchError(f"GET {url} answered {response.status}: {body[:500]}", response.status)
    return body


def is_reachable(url: str) -> bool:
    """Whether a page is there now; not being there yet is no error."""
    try:
        fetch(url, timeout=2.0)
    except (OSError, http.client.HTTPException, FetchError):
        return False
    return True
