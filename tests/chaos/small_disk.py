"""A disk of its own that can be full: a small tmpfs, which only root can mount."""

import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

#: Room for the queue's file, and for some spans in it.
SIZE = 4 * 1024 * 1024
_BLOCK = 4096


class SmallDisk:
    """A file system in memory, mounted on a directory.

    Args:
        directory: Where it is mounted; made when missing.
        size: How much it holds, in bytes.
    """

    def __init__(self, directory: Path, size: int = SIZE) -> None:
        self.directory = directory
        self._size = size
        self._filler = directory / "filler"

    @staticmethod
    def missing() -> str:
        """Why none can be had here; empty if one can."""
        if os.geteuid():
            return "only root can mount a tmpfs"
        return "" if shutil.which("mount") else "there is no program mount"

    def fill(self) -> None:
        """Take all room that is left."""
        with self._filler.open("ab", buffering=0) as filler:
            _write_until_full(filler.fileno())

    def clear(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={self._size}", "celery-otel-chaos", str(self.directory))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Lazily: whoever still has a file there keeps it until it is closed.
        _run("umount", "-l", str(self.directory))


def _write_until_full(descriptor: int) -> None:
    try:
        while True:
            os.write(descriptor, bytes(_BLOCK))
    except OSError:
        return


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, text=True)
