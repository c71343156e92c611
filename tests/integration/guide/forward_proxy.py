"""A proxy that leads an address which a program has written down to where the server of a test really listens."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from celery_otel_pipeline.ports import LOOPBACK

TIMEOUT = 30.0


class ForwardProxy(ThreadingHTTPServer):
    """Takes requests for one address, and passes them on.

    Args:
        address: As in http://localhost:8000.
        target: Where the server listens, as in http://127.0.0.1:12345.

    Attributes:
        asked: The requests, each with its method and path.
    """

    daemon_threads = True

    def __init__(self, address: str, target: str) -> None:
        self.address = address
        self.target = urlsplit(target).netloc
        self.asked: list[str] = []
        super().__init__((LOOPBACK, 0), _Handler)

    @property
    def url(self) -> str:
        """What belongs into HTTP_PROXY."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: ForwardProxy

    def do_GET(self) -> None:
        self._forward()

    def do_POST(self) -> None:
        self._forward()

    def _forward(self) -> None:
        """Ask the server as the client has asked, Host included; another address than the expected one is refused."""
        parts = urlsplit(self.path)
        if f"{parts.scheme}://{parts.netloc}" != self.server.address:
            self.send_error(502, f"nobody listens at {self.path}")
            return
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        self.server.asked.append(f"{self.command} {path}")
        self._answer(path, parts.netloc)

    def _answer(self, path: str, host: str) -> None:
        connection = HTTPConnection(self.server.target, timeout=TIMEOUT)
        try:
            connection.request(self.command, path, headers={"Host": host, "Content-Length": "0"})
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        self.send_response(response.status)
        self.send_header("Content-Type", response.headers["Content-Type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Say nothing: the test's output is no place for it."""


@contextmanager
def forwarded(address: str, target: str) -> Iterator[ForwardProxy]:
    """A proxy that runs until the end of the block."""
    with ForwardProxy(address, target) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
