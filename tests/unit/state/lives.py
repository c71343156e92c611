"""The lives of one worker: each has a ledger whose books are kept in the same directory, and ends as by SIGKILL."""

import os
from collections.abc import Mapping
from pathlib import Path

from celery_otel import names
from celery_otel.core.attempt import Attempt
from celery_otel.core.clock import Clock
from celery_otel.core.counts import Counts
from celery_otel.metric import Distribution, Readings
from celery_otel.state.contents import About
from celery_otel.state.directory import StateDirectory
from celery_otel.state.identity import StableIdentity
from celery_otel.state.kept_ledger import KeptLedger
from celery_otel.state.state import State

BOUNDS = (1.0, 10.0)
WORKER = "w@host"
HISTOGRAMS = [metric for metric in names.METRICS if metric.kind == "histogram"]
Numbers = dict[str, Mapping[tuple[str, ...], object]]


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> Clock:
        """The clock to pass in: wall and monotonic time are the same."""
        return Clock(wall=lambda: self.now, monotonic=lambda: self.now)


class Request:
    """Stands for an attempt in Celery."""


def about(bounds: tuple[float, ...] = BOUNDS) -> About:
    """Whose state it is."""
    return About({"service.name": "shop"}, {metric.name: metric.bounds or bounds for metric in HISTOGRAMS})


class Life:
    """One life of the worker.

    Args:
        path: Where the state is.
        time: The time.
        bounds: Upper bounds of the buckets.
        directory: What stands for the directory, if not the usual.
        begin: Whether it ends what the life before had open, and keeps its own state.
    """

    def __init__(
        self,
        path: Path,
        time: Time | None = None,
        *,
        bounds: tuple[float, ...] = BOUNDS,
        directory: StateDirectory | None = None,
        begin: bool = True,
    ) -> None:
        self._path = path
        self.directory = directory or StateDirectory(path)
        clock = (time or Time()).clock()
        self.state = State(self.directory, about(bounds), clock)
        self.counts = Counts(bounds, 2, 2, self.state.tables)
        self.ledger = KeptLedger(self.counts, self.state, worker=WORKER, clock=clock)
        self.requests: list[Request] = []
        if begin:
            self.state.begin()
            self.ledger.end_what_was_killed()

    def receive(self, task: str = "a", number: int = 0, queue: str = "celery") -> Attempt:
        """A message arrives, and its request lives on."""
        attempt = Attempt.described(task, queue, StableIdentity((str(number), "0", "0")), 1000.0)
        self.requests.append(Request())
        self.ledger.receive(attempt, self.requests[-1])
        return attempt

    def kill(self) -> None:
        """It ends as a killed process does: its files are closed from outside, its lock with them; it does no more."""
        del self.state, self.counts, self.ledger
        descriptors = open_below(self._path.resolve())
        assert descriptors, f"no file of {self._path} is open"
        for descriptor in descriptors:
            os.close(descriptor)


def open_below(path: Path) -> list[int]:
    """The descriptors of this process's open files in a directory, removed ones too."""
    links = [link for link in Path("/proc/self/fd").iterdir() if os.path.lexists(link)]
    return [int(link.name) for link in links if link.readlink().parent == path]


def numbers(read: Readings) -> Numbers:
    """What is to survive: every counter and histogram, and when each queue last brought an attempt."""
    kept = {metric: series for metric, series in read.items() if metric.kind != "gauge" and series}
    kept[names.WORKER_LAST_RECEIVED_TIMESTAMP] = read[names.WORKER_LAST_RECEIVED_TIMESTAMP]
    return {metric.name: {labels: _plain(value) for labels, value in series.items()} for metric, series in kept.items()}


def held(read: Readings) -> object:
    """How many attempts are open."""
    active, waiting = read[names.ACTIVE_TASKS], read[names.WORKER_PREFETCH_COUNT]
    return sum(value for value in [*active.values(), *waiting.values()] if isinstance(value, int))


def _plain(value: object) -> object:
    return (value.counts, value.total) if isinstance(value, Distribution) else value


def files(path: Path) -> list[str]:
    """The names of the files of a state."""
    return sorted(file.name for file in path.iterdir())


class DeadError(BaseException):
    """The end of the process."""
