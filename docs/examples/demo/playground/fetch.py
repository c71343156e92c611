"""Fetch pages from a server that fails now and then."""

from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

from .app import app
from .journal import JournaledTask

TIMEOUT = 10.0


class ServiceUnavailable(Exception):  # noqa: N818 - it carries the name of the answer, as HTTP has it
    """The server says that it cannot answer now. Later it may."""


class TooManyRequests(Exception):  # noqa: N818 - as above
    """The server asks to come back after a while, and says after how long."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class PageNotFound(Exception):  # noqa: N818 - as above
    """There is no such page: trying again cannot help."""


@app.task(
    base=JournaledTask,
    bind=True,
    autoretry_for=(ServiceUnavailable, ConnectionError),
    retry_backoff=1,
    retry_backoff_max=2,
    retry_jitter=False,
    max_retries=2,
)
def page(self: JournaledTask, url: str) -> str:
    """Fetch a page.

    A server that is unavailable or breaks the connection is tried again after 1 s, then after 2 s.

    Raises:
        PageNotFound: There is no such page.
        ServiceUnavailable: The server was unavailable at every attempt.
        ConnectionError: The server broke the connection at every attempt.
    """
    try:
        return get(url)
    except TooManyRequests as busy:
        raise self.retry(exc=busy, countdown=busy.seconds) from busy


def get(url: str) -> str:
    """Return the text at an address, or raise what the server's answer means."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        connection.request("GET", parts.path)
        return text(connection.getresponse())
    finally:
        connection.close()


def text(response: HTTPResponse) -> str:
    """Return the text of an answer, or raise what its status means."""
    content = response.read().decode()
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise TooManyRequests(int(response.headers["Retry-After"]))
    if response.status == HTTPStatus.NOT_FOUND:
        raise PageNotFound(content)
    if response.status == HTTPStatus.SERVICE_UNAVAILABLE:
        raise ServiceUnavailable(content)
    return content
