"""The demo's server fails exactly as often as it was told to."""

from collections.abc import Iterator
from http.client import HTTPConnection, RemoteDisconnected
from urllib.parse import urlsplit

import pytest
from docs.examples.demo.driver.unreliable_server import UnreliableServer


@pytest.fixture
def server() -> Iterator[UnreliableServer]:
    """Return a running server with a script."""
    with UnreliableServer() as server:
        server.follow({"/a": ("unavailable", "busy"), "/b": ("hang_up",), "/c": ("missing",)})
        yield server


def get(server: UnreliableServer, path: str) -> tuple[int, str | None]:
    """Return status and Retry-After of an answer."""
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status, response.getheader("Retry-After")
    finally:
        connection.close()


def test_it_fails_as_the_script_says_and_serves_then(server: UnreliableServer) -> None:
    """The first answers are the script's, in order; all later ones are pages."""
    assert [get(server, "/a") for _ in range(4)] == [(503, None), (429, "1"), (200, None), (200, None)]


def test_it_breaks_a_connection_without_an_answer(server: UnreliableServer) -> None:
    """A client sees the connection end before any answer, and is served the next time."""
    with pytest.raises(RemoteDisconnected):
        get(server, "/b")
    assert get(server, "/b") == (200, None)


def test_a_path_without_a_script_is_served(server: UnreliableServer) -> None:
    """What the script does not name never fails; a missing page is a 404."""
    assert get(server, "/other") == (200, None)
    assert get(server, "/c") == (404, None)


def test_it_records_every_request(server: UnreliableServer) -> None:
    """The record counts the requests of each path, whatever they were answered."""
    for path in ("/a", "/a", "/c"):
        get(server, path)
    assert dict(server.requests) == {"/a": 2, "/c": 1}
