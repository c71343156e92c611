"""The books of a ledger that tell a journal of every change: its tables, what is open, and what has ended."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from celery_otel.core.attempt import Attempt, Identity
from celery_otel.core.remembered import EndedAttempts
from celery_otel.core.tables import CounterTable, DistributionTable, Tables
from celery_otel.metric import Exemplar, Labels, Metric
from celery_otel.state.contents import Contents, Opened, Samples
from celery_otel.state.identity import StableIdentity
from celery_otel.state.journal import Journal


class NotedCounters(CounterTable):
    """The counters of one metric.

    Args:
        journal: What is told of changes.
        name: The metric's name.
        values: What they say already.
    """

    def __init__(self, journal: Journal, name: str, values: Mapping[Labels, int]) -> None:
        super().__init__(values)
        self._journal = journal
        self._name = name

    def __setitem__(self, labels: Labels, value: int) -> None:
        with self._journal:
            if self.get(labels) != value:
                super().__setitem__(labels, value)
                self._journal.counted(self._name, labels, value)


class NotedDistributions(DistributionTable):
    """The histograms of one metric.

    Args:
        journal: What is told of changes.
        name: The metric's name.
        bounds: Upper bounds of the buckets.
        values: What they say already.
    """

    def __init__(
        self, journal: Journal, name: str, bounds: tuple[float, ...], values: Mapping[Labels, Samples]
    ) -> None:
        super().__init__(bounds)
        self._journal = journal
        self._name = name
        self._nothing = ([0] * (len(bounds) + 1), 0.0)
        self._counts = {labels: list(one.counts) for labels, one in values.items()}
        self._totals = {labels: one.total for labels, one in values.items()}

    def record(self, value: float, *labels: str, exemplar: Exemplar | None = None) -> None:
        """Adds a sample."""
        with self._journal:
            number = self._journal.number(self._name, labels, *self._nothing)
            super().record(value, *labels, exemplar=exemplar)
            bucket = bisect_left(self._bounds, value)
            self._journal.sampled(number, bucket, self._counts[labels][bucket], self._totals[labels])

    def samples(self, labels: Labels) -> Samples:
        """A copy of what one of them says."""
        return Samples(list(self._counts[labels]), self._totals[labels])


class NotedTables(Tables):
    """Makes tables that tell a journal of every change.

    Args:
        journal: The journal.
        before: What the tables say already.

    Attributes:
        numbers: The tables of counters, by the metric's name.
        samples: Those of histograms.
    """

    def __init__(self, journal: Journal, before: Contents | None) -> None:
        super().__init__()
        self.numbers: dict[str, NotedCounters] = {}
        self.samples: dict[str, NotedDistributions] = {}
        self._journal = journal
        self._before = _by_metric(before)
        self.last_received.update({} if before is None else before.last_received)

    def counters(self, metric: Metric) -> CounterTable:
        """The table of a counter."""
        values = {labels: value for labels, value in self._values(metric).items() if isinstance(value, int)}
        for labels in values:
            self._journal.number(metric.name, labels, 0)
        made = self.numbers[metric.name] = NotedCounters(self._journal, metric.name, values)
        return made

    def distributions(self, metric: Metric, bounds: tuple[float, ...]) -> DistributionTable:
        """The table of a histogram with these bounds."""
        values = {labels: value for labels, value in self._values(metric).items() if isinstance(value, Samples)}
        for labels in values:
            self._journal.number(metric.name, labels)
        made = self.samples[metric.name] = NotedDistributions(self._journal, metric.name, bounds, values)
        return made

    def told(self) -> list[list[object]]:
        """A copy of all, in the order of their numbers: each with its metric's name, its labels, and what it says."""
        return [[name, labels, *self._value(name, labels)] for name, labels in self._journal.numbers]

    def _value(self, name: str, labels: Labels) -> tuple[object, ...]:
        if name in self.numbers:
            return (self.numbers[name].get(labels, 0),)
        found = self.samples[name].samples(labels)
        return found.counts, found.total

    def _values(self, metric: Metric) -> Mapping[Labels, int | Samples]:
        # Another version may have had other labels.
        found = self._before.get(metric.name, {})
        return {labels: value for labels, value in found.items() if len(labels) == len(metric.labels)}


def _by_metric(before: Contents | None) -> dict[str, dict[Labels, int | Samples]]:
    found: dict[str, dict[Labels, int | Samples]] = {}
    if before is not None:
        for (name, labels), value in zip(before.series, before.values, strict=True):
            found.setdefault(name, {})[labels] = value
    return found


class OpenAttempts(dict[Attempt, None]):
    """The attempts that are open, each with a number.

    Args:
        journal: What is told of changes.
        before: Those that another worker had open when it was killed.
    """

    def __init__(self, journal: Journal, before: Iterable[Opened] = ()) -> None:
        super().__init__()
        self._journal = journal
        self._numbers: dict[Attempt, int] = {}
        self._next = 0
        for one in before:
            attempt = Attempt.described(one.task, one.queue, ("", "", ""), one.received_at)
            # Nobody has seen its end: if it starts again, that is no second start of an attempt that had ended.
            attempt.requeued = True
            self[attempt] = None

    def __setitem__(self, attempt: Attempt, nothing: None) -> None:
        with self._journal:
            super().__setitem__(attempt, nothing)
            self._numbers[attempt] = self._next
            self._next += 1
            self._journal.opened(self._numbers[attempt], attempt.task, attempt.queue, attempt.received_at)

    def __delitem__(self, attempt: Attempt) -> None:
        with self._journal:
            super().__delitem__(attempt)
            self._journal.closed(self._numbers.pop(attempt))

    def told(self) -> list[tuple[int, str, str, float]]:
        """All of them, as a line of the journal has them."""
        return [(number, one.task, one.queue, one.received_at) for one, number in self._numbers.items()]


class RememberedAttempts(EndedAttempts):
    """The attempts that ended last. Their identities are to be `StableIdentity`s.

    Args:
        journal: What is told of changes.
        before: The hashes that are remembered already, the oldest first.
    """

    def __init__(self, journal: Journal, before: Iterable[int] = ()) -> None:
        super().__init__()
        self._journal = journal
        newest = list(before)[-self._size :]
        self.update(newest)
        self._order.extend(newest)

    def remember(self, identity: Identity) -> None:
        """Remembers an attempt as ended; one whose identity is not known is none."""
        if isinstance(identity, StableIdentity):
            super().remember(identity)

    def add(self, number: int) -> None:
        """Adds a hash."""
        super().add(number)
        self._journal.ended(number)

    def told(self) -> list[int]:
        """All of them, the oldest first."""
        return list(self._order)
