"""A name that stands for several addresses, as a headless service does, for the programs that we choose."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

#: Where a process looks names up: ours lies over it, in a mount namespace of the process's own.
_HOSTS = "/etc/hosts"
_OVERLAID = f'mount --bind "$0" {_HOSTS} && exec "$@"'


class Names:
    """A file of names that takes the place of `/etc/hosts` for some processes, and of no other's.

    Args:
        path: Where the file is.
        name: What stands for all the addresses.
    """

    def __init__(self, path: Path, name: str = "celery-otel-gateways") -> None:
        self.name = name
        self._path = path
        self.point_to([])

    def point_to(self, addresses: Iterable[str]) -> None:
        """From now on the name stands for these addresses."""
        lines = ["127.0.0.1 localhost", *(f"{address} {self.name}" for address in addresses)]
        # In place: the mount is of this very file.
        self._path.write_text("\n".join(lines) + "\n")

    def seen_by(self, argv: Sequence[str]) -> list[str]:
        """The command that runs a program which looks names up here."""
        as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
        return ["unshare", *as_root, "--mount", "sh", "-c", _OVERLAID, str(self._path), *argv]
