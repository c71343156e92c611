"""A wire between workers and their broker that can be cut: what a network does to connections now and then."""

import contextlib
import socket
import socketserver
import threading
from types import TracebackType
from typing import Self, cast
from urllib.parse import urlsplit

_BLOCK = 65536


class Wire:
    """Carries every connection on to a server, until it is cut; new connections are carried again.

    Args:
        url: The server's URL, whose host and port are dialled.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (str(parts.hostname), int(parts.port or 0))
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.wire = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="wire")
        port = self._server.server_address[1]
        self.url = url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{port}")
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


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False
    wire: Wire


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        cast("_Server", self.server).wire.carry(self.request)
