"""Finds the descendants of a process, by who is whose parent on the whole machine.

psutil does that, too, at twice the price: it reads a process that it has found a second and a third time. The kernel's
own lists of children are cheaper and no use: one may leave out a living child while another ends.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

PROC = Path("/proc")
_PARENT, _START = 1, 19
"""Where a process's status line has its parent and the time of its start, counted from behind its name."""


class Descendants:
    """The descendants of a process, as `psutil.Process`, each the same object as long as it lives.

    Args:
        root: The process, as `psutil.Process`.
        proc: Where the kernel shows its processes.
    """

    def __init__(self, root: Any, proc: Path = PROC) -> None:
        self._root = root
        self._proc = proc
        self._found: dict[tuple[int, bytes], Any] = {}

    def __call__(self) -> list[Any]:
        """Those of now; every parent comes before its children."""
        if not (self._proc / "self").exists():
            return list(self._root.children(recursive=True))
        children: dict[int, list[tuple[int, bytes]]] = {}
        for pid, parent, start in self._all():
            children.setdefault(parent, []).append((pid, start))
        found = {}
        for key in _below(self._root.pid, children):
            with suppress(psutil.NoSuchProcess):
                found[key] = self._found.get(key) or psutil.Process(key[0])
        self._found = found
        return list(found.values())

    def _all(self) -> Iterator[tuple[int, int, bytes]]:
        """Process id, parent and start of every process of the machine."""
        for pid in psutil.pids():
            # Gone by now, or not ours to see.
            with suppress(OSError), open(f"{self._proc}/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123  # quicker
                fields = file.read(1024).rpartition(b")")[2].split()
                yield pid, int(fields[_PARENT]), fields[_START]


def _below(root: int, children: dict[int, list[tuple[int, bytes]]]) -> Iterator[tuple[int, bytes]]:
    waiting = [root]
    while waiting:
        # Taken out: pids that are given again while this is read could make a circle.
        for key in children.pop(waiting.pop(), ()):
            yield key
            waiting.append(key[0])
