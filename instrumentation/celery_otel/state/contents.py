"""What a state holds, as plain data: read from a snapshot, and brought up to date by the lines of a log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from celery_otel.metric import Labels
from celery_otel.state.errors import StateError

_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)
FORMAT = 1
"""The version of the format."""
Series = tuple[str, Labels]
"""A series: the OpenTelemetry name of its metric, and the values of its labels."""

# The keys of a line of the log.
SERIES, COUNTS, SAMPLES = "series", "counts", "samples"
OPENED, CLOSED, ENDED = "opened", "closed", "ended"
BEGUN, OVER, BORN = "begun", "over", "born"


@dataclass(frozen=True, slots=True)
class About:
    """Whose state it is, and what its numbers mean.

    Attributes:
        identity: What its series are told apart by from those of all other workers.
        bounds: Upper bounds of the buckets of the histograms, by the metric's name.
    """

    identity: Mapping[str, str]
    bounds: Mapping[str, tuple[float, ...]]

    def told(self) -> dict[str, Any]:
        """The same as JSON knows it."""
        buckets = {name: list(values) for name, values in self.bounds.items()}
        return {"identity": dict(self.identity), "buckets": buckets}


@dataclass(slots=True)
class Samples:
    """A histogram: how many samples are in each bucket, and the sum of all."""

    counts: list[int]
    total: float


@dataclass(frozen=True, slots=True)
class Opened:
    """An attempt that was open: its task and queue, as labels, and the Unix time of its receipt."""

    task: str
    queue: str
    received_at: float


@dataclass(slots=True)
class Contents:
    """Everything that a state holds.

    Attributes:
        about: Whose it is, as `About.told` has it.
        boot: The boot of the machine that it was written in.
        closed: The worker that wrote it ended in good order.
        delivered: And everybody had all of its numbers.
        followed: It was brought up to date by its own log.
        series: Every series, in the order of their numbers in the log.
        values: What each of them counts.
        last_received: When each queue last brought an attempt, as a Unix time.
        open: The attempts that were open, by their numbers.
        ended: The hashes of the identities of the attempts that ended last, the oldest first.
        births: When each series that was exported began, by its number, in nanoseconds since 1970.
        runs: The first records of the runs of training and tuning that were open, by their ids.
    """

    about: dict[str, Any]
    boot: str
    closed: bool = False
    delivered: bool = False
    followed: bool = False
    series: list[Series] = field(default_factory=list)
    values: list[int | Samples] = field(default_factory=list)
    last_received: dict[str, float] = field(default_factory=dict)
    open: dict[int, Opened] = field(default_factory=dict)
    ended: dict[int, None] = field(default_factory=dict)
    births: dict[int, int] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, snapshot: str) -> Self:
        """What a snapshot holds.

        Raises:
            StateError: It is none, or of another version.
        """
        try:
            told = json.loads(snapshot)
            if told["format"] != FORMAT:
                raise StateError(f"it has the format {told['format']!r}, not {FORMAT}")
            made = cls(dict(told["about"]), str(told["boot"]), bool(told["closed"]), bool(told["delivered"]))
            made._fill(told)
        except _UNREADABLE as error:
            raise StateError(f"its snapshot cannot be read ({type(error).__name__}: {error})") from error
        return made

    def _fill(self, told: Mapping[str, Any]) -> None:
        for name, labels, *value in told["series"]:
            self._define(name, labels, value)
        self.apply({OPENED: told["open"], ENDED: told["ended"], BEGUN: told["runs"], BORN: told["births"]})
        self.last_received = {str(queue): float(at) for queue, at in told["queues"].items()}

    def _define(self, name: Any, labels: Iterable[Any], value: list[Any]) -> None:
        self.series.append((str(name), tuple(map(str, labels))))
        # The buckets of a histogram, and what is in all of them; or a number.
        self.values.append(int(value[0]) if len(value) == 1 else Samples(list(map(int, value[0])), float(value[1])))

    def follow(self, log: Iterable[bytes]) -> None:
        """Brings it up to date. A last line without its end was being written at the death, and is left out.

        Raises:
            StateError: A line cannot be read.
        """
        for line in log:
            if not line.endswith(b"\n"):
                return
            try:
                self.apply(_object(json.loads(line)))
            except _UNREADABLE as error:
                raise StateError(f"its log cannot be read ({type(error).__name__}: {error})") from error

    def apply(self, line: Mapping[str, Any]) -> None:
        """Takes over what one line says, in the order in which it can have come about."""
        for key, take in _APPLY.items():
            if key in line:
                take(self, line[key])

    def _take_series(self, told: Iterable[Any]) -> None:
        for number, name, labels, *value in told:
            if number == len(self.series):
                self._define(name, labels, value)

    def _take_counts(self, told: Iterable[Any]) -> None:
        for number, value in told:
            self.values[number] = int(value)

    def _take_samples(self, told: Iterable[Any]) -> None:
        for number, bucket, count, total in told:
            samples = self.values[number]
            if not isinstance(samples, Samples):
                raise TypeError(f"series {number} is no histogram")
            samples.counts[bucket], samples.total = int(count), float(total)

    def _take_opened(self, told: Iterable[Any]) -> None:
        for number, task, queue, at in told:
            self.open[int(number)] = opened = Opened(str(task), str(queue), float(at))
            self.last_received[opened.queue] = opened.received_at

    def _take_closed(self, told: Iterable[Any]) -> None:
        for number in told:
            self.open.pop(number, None)

    def _take_ended(self, told: Iterable[Any]) -> None:
        self.ended.update(dict.fromkeys(map(int, told)))

    def _take_begun(self, told: Iterable[Any]) -> None:
        self.runs.update({str(run["id"]): run for run in told})

    def _take_over(self, told: Iterable[Any]) -> None:
        for run in told:
            self.runs.pop(run, None)

    def _take_born(self, told: Iterable[Any]) -> None:
        for number, at in told:
            self.births[int(number)] = int(at)


def _object(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise TypeError("a line is no object")
    return told


_APPLY: dict[str, Callable[[Contents, Any], None]] = {
    SERIES: Contents._take_series,  # noqa: SLF001  # of this module
    COUNTS: Contents._take_counts,  # noqa: SLF001  # of this module
    SAMPLES: Contents._take_samples,  # noqa: SLF001  # of this module
    OPENED: Contents._take_opened,  # noqa: SLF001  # of this module
    CLOSED: Contents._take_closed,  # noqa: SLF001  # of this module
    ENDED: Contents._take_ended,  # noqa: SLF001  # of this module
    BEGUN: Contents._take_begun,  # noqa: SLF001  # of this module
    OVER: Contents._take_over,  # noqa: SLF001  # of this module
    BORN: Contents._take_born,  # noqa: SLF001  # of this module
}
"""What a line may say, by its keys."""
