"""Takes one reading of a tree of processes after another: totals that only rise, and the CPU between two of them."""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from celery_otel import names
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.metric import Metric
from celery_otel.resources.reading import Figures, Reading
from celery_otel.resources.tree import Used

PRIVATE_SHARE = 0.0003
"""How much of one core reading the private memory may take: of a thousandth that is promised for everything."""


class Tree(Protocol):
    """What a tree of processes tells."""

    def used(self) -> Used | None:
        """What they have used."""

    def held(self) -> Figures:
        """What they hold."""

    def private(self) -> Figures:
        """Their private memory."""


class Meter:
    """Reads on demand, from one thread at a time.

    Args:
        tree: The processes.
        limit: Tells their memory limit.
        gpus: Tells the figures of the GPUs.
        clock: Where the time comes from.
    """

    def __init__(
        self,
        tree: Tree,
        limit: Callable[[], int | None],
        gpus: Callable[[], Mapping[str, Figures]],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._tree = tree
        self._limit = limit
        self._gpus = gpus
        self._clock = clock
        self._disk = {names.PROCESS_DISK_READ: RisingSum(), names.PROCESS_DISK_WRITTEN: RisingSum()}
        self._cpu: tuple[float, float] | None = None
        self._private = Sparing(tree.private, PRIVATE_SHARE, clock)

    def read(self) -> Reading:
        """A reading of now."""
        used = self._tree.used()
        figures: dict[Metric, float] = {**self._tree.held(), **self._private.newest()}
        limit = self._limit()
        if limit is not None:
            figures[names.PROCESS_MEMORY_LIMIT] = limit
        if used is not None:
            figures.update(self._cpu_percent(used.cpu))
            self._disk[names.PROCESS_DISK_READ].take(used.read)
            self._disk[names.PROCESS_DISK_WRITTEN].take(used.written)
        figures.update({metric: disk.total for metric, disk in self._disk.items() if disk.total is not None})
        return Reading(figures, self._gpus())

    def _cpu_percent(self, cpu: float) -> Figures:
        """Nothing at the first reading: there is no time behind it yet."""
        now = self._clock.monotonic()
        before, self._cpu = self._cpu, (cpu, now)
        if before is None or now <= before[1]:
            return {}
        return {names.PROCESS_CPU_PERCENT: max(0.0, 100 * (cpu - before[0]) / (now - before[1]))}


class RisingSum:
    """The total of a sum over processes, which never falls though a process may leave the sum with what it had.

    Attributes:
        total: The total; None as long as no sum was known.
    """

    def __init__(self) -> None:
        self.total: int | None = None
        self._before = 0

    def take(self, now: int | None) -> None:
        """Takes the sum of now; None if it is not known, which the next one that is makes up for."""
        if now is None:
            return
        self.total = (self.total or 0) + max(0, now - self._before)
        self._before = now


class Sparing:
    """Reads something costly again only when it has become cheap for the time that has gone by.

    Args:
        read: Reads it.
        share: How much of one core that may take.
        clock: Where the time comes from.
        cpu: Tells the CPU time of this thread, in seconds.
    """

    def __init__(
        self,
        read: Callable[[], Figures],
        share: float,
        clock: Clock = SYSTEM_CLOCK,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        self._read = read
        self._share = share
        self._clock = clock
        self._cpu = cpu
        self._newest: Figures = {}
        self._due = float("-inf")

    def newest(self) -> Figures:
        """The newest reading, made now if that is affordable."""
        if self._clock.monotonic() >= self._due:
            before = self._cpu()
            self._newest = self._read()
            self._due = self._clock.monotonic() + (self._cpu() - before) / self._share
        return self._newest
