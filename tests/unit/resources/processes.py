"""A stand-in for `psutil.Process` that says what it is told to, for what no real process does on command."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import psutil

from celery_otel.resources.tree import ProcessTree

Failure = Exception | Callable[[], None]


class Member:
    """A process.

    Args:
        written: How many bytes it has written.
        descendants: Its descendants.
        state: Its status.
        fails: What happens, in this order, whenever it is asked for its I/O: calls and, last, the exception.
        denies: What it raises when it is asked for open files or private memory.
    """

    def __init__(
        self,
        *,
        written: int = 0,
        descendants: Sequence["Member"] = (),
        state: str = psutil.STATUS_RUNNING,
        fails: Sequence[Failure] = (),
        denies: Exception | None = None,
    ) -> None:
        self.written = written
        self.descendants = list(descendants)
        self.state = state
        self.fails = list(fails)
        self.denies = denies

    def become(self, **what: Any) -> None:
        """Changes what it says."""
        for name, value in what.items():
            setattr(self, name, value)

    def tree(self) -> ProcessTree:
        """It and its descendants."""
        return ProcessTree(self, lambda: self.descendants)

    def cpu_times(self) -> Any:
        """Its CPU time."""
        return SimpleNamespace(user=0.0, system=0.0, children_user=0.0, children_system=0.0)

    def io_counters(self) -> Any:
        """What it has read and written."""
        for failure in self.fails:
            if isinstance(failure, Exception):
                raise failure
            failure()
        return SimpleNamespace(read_bytes=0, write_bytes=self.written)

    def status(self) -> str:
        """Its status."""
        return self.state

    def memory_info(self) -> Any:
        """Its memory."""
        return SimpleNamespace(rss=1)

    def num_threads(self) -> int:
        """Its threads."""
        return 1

    def num_fds(self) -> int:
        """Its open files."""
        return int(self._told())

    def memory_full_info(self) -> Any:
        """Its private memory."""
        return SimpleNamespace(uss=self._told())

    def _told(self) -> int:
        if self.denies is not None:
            raise self.denies
        return 1
