"""A wire between workers and their broker that can be cut: what a network does to connections now and then."""

import contextlib
import socket
import socketserver
import sys
import threading
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

_BLOCK = 65536


class Wire:
    """Carries every connection on to a server, until it is cut; new connections are carried again.

    Args:
        url: The server's URL, whose host and port are dialled.
        listener: Where it is dialled, bound already; by default a free port of the loopback address.
    """

    def __init__(self, url: str, listener: socket.socket | None = None) -> None:
        parts = urlsplit(url)
        self._target = (str(parts.hostname), int(parts.port or 0))
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server = _Server(listener or _loopback())
        self._server.wire = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="wire")
        host, port = self._server.socket.getsockname()[:2]
        self.url = url.replace(f"{parts.hostname}:{parts.port}", f"{host}:{port}")
        """The server's URL by way of this wire."""

    def cut(self) -> int:
        """Break every connection; returns how many ends there were."""
        with self._lock:
            ends, self._ends = self._ends, set()
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        return len(ends)

    def carry(self, near: socket.socket) -> None:
        """Carry one connection both ways until either end is closed."""
        with socket.create_connection(self._target) as far:
            with self._lock:
                self._ends |= {near, far}
            back = threading.Thread(target=_pump, args=(far, near), name="wire-back")
            back.start()
            _pump(near, far)
            back.join()
            with self._lock:
                self._ends -= {near, far}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self.cut()
        self._server.server_close()
        self._thread.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Carry bytes one way; when that way ends, so does the other."""
    with contextlib.suppress(OSError):
        while block := source.recv(_BLOCK):
            sink.sendall(block)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _loopback() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    return listener


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False
    wire: Wire

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(("127.0.0.1", 0), _Handler, bind_and_activate=False)
        # The base class makes a socket of this process's own network: the one that it is given may be of another.
        self.socket.close()
        self.socket = listener
        self.server_address = listener.getsockname()
        self.server_activate()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a server that is away for a moment: who dials it sees the connection end."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        cast("_Server", self.server).wire.carry(self.request)
