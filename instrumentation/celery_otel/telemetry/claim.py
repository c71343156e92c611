"""Keeps two processes of one machine from exporting under the same name."""

import socket
from errno import EADDRINUSE
from hashlib import sha256
from itertools import count


class NameClaim:
    """A name that no second process of this machine has meanwhile; if it is taken, it gets a number.

    The kernel keeps the claim, as a Unix socket of Linux's abstract namespace: it ends with the process, however that
    ends. Where there is no such namespace, the name is what was asked for.

    Args:
        scope: Within what the name is to be unique.
        name: The name that is asked for, such as `beat@host`; the second one becomes `beat-2@host`.

    Attributes:
        name: The name.
        taken: Whether another process has the name that was asked for.
    """

    def __init__(self, scope: str, name: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        candidates = (name if number == 1 else _numbered(name, number) for number in count(1))
        self.name = next(candidate for candidate in candidates if self._claim(f"{scope}/{candidate}"))
        self.taken = self.name != name

    def close(self) -> None:
        """Gives the name up."""
        self._socket.close()

    def _claim(self, name: str) -> bool:
        # Hashed, since an address is short.
        address = f"\0celery-otel/{sha256(name.encode(errors='replace')).hexdigest()}"
        try:
            self._socket.bind(address)
        except OSError as error:
            return error.errno != EADDRINUSE
        return True


def _numbered(name: str, number: int) -> str:
    head, at, tail = name.partition("@")
    return f"{head}-{number}{at}{tail}"
