"""The memory limit of the container or service that this process runs in, by Linux's control groups."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_FILES = {"cgroup2": "memory.max", "cgroup": "memory.limit_in_bytes"}
_NO_LIMIT = 1 << 60
"""From here on it is what the kernel shows where nobody has set one."""


class MemoryLimit:
    """The limits above this process, found once and read whenever they are asked for: they may be changed meanwhile.

    Args:
        root: Where `proc` and the mounts are.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._files = tuple(_limit_files(root))

    def __call__(self) -> int | None:
        """The smallest of them in bytes; None if there is none."""
        return min((limit for file in self._files if (limit := _limit(file)) is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Mount:
    """A mounted hierarchy of control groups.

    Attributes:
        kind: `cgroup` or `cgroup2`.
        shown: Which of its groups is seen at the mount point.
        point: The mount point.
        options: Its options, the controllers among them.
    """

    kind: str
    shown: str
    point: str
    options: frozenset[str]


def _limit(file: Path) -> int | None:
    with suppress(OSError, ValueError):
        limit = int(file.read_text())
        return limit if 0 < limit < _NO_LIMIT else None
    return None


def _limit_files(root: Path) -> Iterator[Path]:
    """The files of the group of this process and of all groups above it."""
    groups = dict(_groups(_text(root / "proc/self/cgroup")))
    for mount in _mounts(_text(root / "proc/self/mountinfo")):
        group = groups.get(mount.kind)
        if group is None or (mount.kind == "cgroup" and "memory" not in mount.options):
            continue
        below = _below(group, mount.shown)
        top = root / mount.point.lstrip("/")
        for path in (below, *below.parents):
            yield top / path / _FILES[mount.kind]


def _groups(text: str) -> Iterator[tuple[str, str]]:
    """The groups of this process, by the kind of hierarchy: those that memory is limited by."""
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if group and not controllers:
            yield "cgroup2", group
        elif "memory" in controllers.split(","):
            yield "cgroup", group


def _mounts(text: str) -> Iterator[_Mount]:
    for line in text.splitlines():
        own, _, rest = line.partition(" - ")
        # After any number of optional fields: the kind, the source, the options.
        kind, _, rest = rest.partition(" ")
        _, _, options = rest.partition(" ")
        if kind in _FILES:
            shown, point = own.split(" ")[3:5]
            yield _Mount(kind, shown, point, frozenset(options.split(",")))


def _below(group: str, shown: str) -> PurePosixPath:
    """Where a group is below the one that is seen at the mount point; that one itself if it cannot be seen."""
    path, top = PurePosixPath(group), PurePosixPath(shown)
    if ".." in path.parts or not path.is_relative_to(top):
        return PurePosixPath()
    return path.relative_to(top)


def _text(file: Path) -> str:
    with suppress(OSError):
        return file.read_text()
    return ""
