"""Free TCP ports on loopback."""

import random
import socket
from collections.abc import Iterator

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


def free_port() -> int:
    """Return a port of the loopback address that nothing listens on, and that was not handed out before."""
    return next(port for port in _CANDIDATES if _is_free(port))


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
