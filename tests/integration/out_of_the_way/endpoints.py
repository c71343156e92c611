"""Collectors that do not do what a collector should: real sockets, one kind of trouble each."""

import socketserver
import threading
from types import TracebackType
from typing import Any, ClassVar, Self, cast

from celery_otel_pipeline.ports import LOOPBACK, free_port


class Refusing:
    """Nothing listens on its port."""

    def __init__(self) -> None:
        self.url = f"http://{LOOPBACK}:{free_port()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""


class Listening:
    """Takes a request and then calls `answer`, each connection on a thread of its own."""

    def __init__(self) -> None:
        self.url = f"http://{LOOPBACK}:{free_port()}"
        self.closing = threading.Event()

    def answer(self, connection: Any) -> None:
        """Answers the request that has come on a connection, which is closed afterwards."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        port = int(self.url.rpartition(":")[2])
        self._server = _Server((LOOPBACK, port), _Handler)
        self._server.endpoint = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="endpoint")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Silent(Listening):
    """Accepts and never answers."""

    def answer(self, _: Any) -> None:
        """Says nothing until the end of the test."""
        self.closing.wait()


class Garbage(Listening):
    """Answers with what is not HTTP."""

    def answer(self, connection: Any) -> None:
        """Sends noise."""
        connection.sendall(bytes(range(256)) * 4 + b"\r\n\r\n")


class Replying(Listening):
    """Answers with a status."""

    status: ClassVar[str]

    def answer(self, connection: Any) -> None:
        """Sends the status and an empty body."""
        connection.sendall(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())


class Failing(Replying):
    """Has an error of its own."""

    status = "500 Internal Server Error"


class Rejecting(Replying):
    """Does not understand what it gets."""

    status = "400 Bad Request"


class Overloaded(Replying):
    """Wants to be asked again later."""

    status = "503 Service Unavailable"


class Accepting(Replying):
    """Does what a collector should."""

    status = "200 OK"


class Recovering(Listening):
    """Asks to be tried again in 8 seconds, until `recovered` is set.

    Attributes:
        recovered: Set to let it accept.
        turned_away: Set once it has turned an export away.
        accepted: How many exports it has accepted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.recovered, self.turned_away = threading.Event(), threading.Event()
        self.accepted = 0

    def answer(self, connection: Any) -> None:
        """Sends 200 or 503."""
        if self.recovered.is_set():
            self.accepted += 1
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        connection.sendall(b"HTTP/1.1 503 Later\r\nRetry-After: 8\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.turned_away.set()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    # Joined at the end: no thread outlives its test.
    daemon_threads = False
    endpoint: Listening


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(1 << 20)
        cast("_Server", self.server).endpoint.answer(self.request)
