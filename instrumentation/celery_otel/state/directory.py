"""The files of one worker's state, which one process at a time has.

A snapshot and the log of what came after it have the same number, the snapshot's generation. The logs of later
generations, if there are any, go on from it: their own snapshots were not yet written.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from errno import ENOSPC
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from celery_otel.state.contents import Contents
from celery_otel.state.errors import StateError

LONGEST = 150
"""The most characters of a name that are kept of it in a folder's name."""
_FILE = re.compile(r"(\d+)\.(snapshot|log|new)")
_APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL | os.O_CLOEXEC


class StateDirectory:
    """The directory of one worker's state, made if there is none and locked until this process ends.

    A record lock: a child that outlives its worker does not have it.

    Args:
        path: Where it is.

    Raises:
        StateError: It cannot be had.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(f"{path} cannot be written to ({error.strerror}). Mount it so that it can be.") from error
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise StateError(
                f"{path} is in use by another process ({error.strerror}). Give each worker a name of its own (celery "
                "worker -n, or CELERY_OTEL_WORKER_NAME), and end the other worker before this one starts."
            ) from error

    def __str__(self) -> str:
        return str(self._path)

    def newest(self) -> int:
        """The highest generation of which there is any file; 0 if there is none."""
        return max((number for number, _, _ in self._files()), default=0)

    def read(self) -> Contents | None:
        """What the files hold; None if there is no snapshot.

        Raises:
            StateError: They cannot be read.
        """
        snapshots = [number for number, kind, _ in self._files() if kind == "snapshot"]
        if not snapshots:
            return None
        first = max(snapshots)
        try:
            contents = Contents.read(self._named(first, "snapshot").read_text())
            self._follow(contents, first)
            if not contents.followed and not contents.closed:
                raise StateError("the log of its snapshot is missing")
            for number in range(first + 1, self.newest() + 1):
                self._follow(contents, number)
        except (OSError, UnicodeDecodeError) as error:
            raise StateError(f"it cannot be read ({error})") from error
        return contents

    def written_at(self) -> float:
        """When anything was last written, as a Unix time; 0 if there is nothing."""
        return max((path.stat().st_mtime for _, _, path in self._files()), default=0.0)

    def begin_log(self, generation: int) -> int:
        """Makes the log of a generation; gives its file descriptor, which appends.

        Raises:
            OSError: It cannot be made.
        """
        return os.open(self._named(generation, "log"), _APPENDING, 0o600)

    def write_snapshot(self, generation: int, snapshot: bytes) -> None:
        """Writes the snapshot of a generation, which has no effect before `install`.

        Args:
            generation: The generation.
            snapshot: Its content.

        Raises:
            OSError: It cannot be written.
        """
        descriptor = os.open(self._named(generation, "new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(snapshot)

    def install(self, generation: int) -> None:
        """Makes a snapshot that was written the newest, and removes what came before it.

        Raises:
            OSError: It cannot be done.
        """
        self._named(generation, "new").replace(self._named(generation, "snapshot"))
        self.remove(before=generation)

    def remove(self, before: int | None = None) -> None:
        """Removes the files, or those of the generations before one.

        Raises:
            OSError: One of them cannot be removed.
        """
        # The snapshot first: whatever is left when this is cut short, is not taken for a state.
        for number, kind, path in sorted(self._files(), key=lambda file: (file[0], file[1] != "snapshot")):
            if before is None or number < before:
                _drop(path, kind)

    def close(self) -> None:
        """Gives it up."""
        with suppress(OSError):
            os.close(self._lock)

    def _follow(self, contents: Contents, number: int) -> None:
        with suppress(FileNotFoundError), self._named(number, "log").open("rb") as log:
            contents.follow(log)
            contents.followed = True

    def _named(self, number: int, kind: str) -> Path:
        return self._path / f"{number}.{kind}"

    def _files(self) -> Iterator[tuple[int, str, Path]]:
        for path in self._path.iterdir():
            if found := _FILE.fullmatch(path.name):
                yield int(found[1]), found[2], path


def _drop(path: Path, kind: str) -> None:
    """Removes a file. Children may still have a log open, which they have inherited: its room is given back."""
    with suppress(FileNotFoundError):
        if kind == "log":
            os.truncate(path, 0)
        path.unlink()


def append(descriptor: int, line: bytes) -> None:
    """Appends a line: it is there from now on, also if this process is killed.

    Raises:
        OSError: It could not be written, or not all of it.
    """
    if os.write(descriptor, line) != len(line):
        raise OSError(ENOSPC, os.strerror(ENOSPC))


def folder(name: str) -> str:
    """A name from outside, as that of a folder: a long one is cut, and told from others by a hash."""
    safe = quote(name, safe="@", errors="replace")
    if safe.startswith("."):
        safe = f"%2E{safe[1:]}"
    return (
        safe if len(safe) <= LONGEST else f"{safe[:LONGEST]}-{sha256(name.encode(errors='replace')).hexdigest()[:16]}"
    )
