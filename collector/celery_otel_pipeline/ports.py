"""Free TCP ports on loopback."""

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Lock

LOOPBACK = "127.0.0.1"

# Under the kernel's range for outgoing connections (32768 and up): a port from there could be taken by any client's
# connection between the end of a server and its restart on the same port.
_LOWEST, _HIGHEST = 15_000, 32_000


def _candidates() -> Iterator[int]:
    """Every port once in random order, then again: two servers of one program never get the same."""
    ports = list(range(_LOWEST, _HIGHEST))
    random.SystemRandom().shuffle(ports)
    while True:
        yield from ports


_CANDIDATES = _candidates()
_ASKING = Lock()


def free_port() -> int:
    """Return a port of the loopback address that nothing listens on, and that was not handed out before.

    Nor is it handed out to another process of this machine that asks here, as tests do that run side by side. Threads
    may ask at the same time.
    """
    with _ASKING:
        return next(port for port in _CANDIDATES if _is_free(port) and _can_claim(port))


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as candidate:
        # As servers do: a connection of the past that is still winding down is no obstacle.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _can_bind(candidate, port)


def _can_bind(candidate: socket.socket, port: int) -> bool:
    try:
        candidate.bind((LOOPBACK, port))
    except OSError:
        return False
    return True


@cache
def _claims() -> int:
    """Open the file whose bytes stand for ports; its locks end with the process."""
    return os.open(Path(tempfile.gettempdir()) / f"celery-otel-ports-{os.getuid()}", os.O_RDWR | os.O_CREAT, 0o600)


def _can_claim(port: int) -> bool:
    """Claim a port for this process, unless another one has it."""
    try:
        fcntl.lockf(_claims(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except BlockingIOError:
        return False
    return True
