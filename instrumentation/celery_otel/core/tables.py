"""The plain numbers behind the series: cheap to add to, copied whole when exported."""

from bisect import bisect_left
from collections import deque
from collections.abc import Mapping

from celery_otel.metric import Distribution, Exemplar, Labels, Metric


class CounterTable(dict[Labels, int]):
    """The counters of one metric, by label values. To add one: `table[labels] += 1`."""

    def __missing__(self, labels: Labels) -> int:
        return 0

    def add(self, *labels: str, amount: int = 1) -> None:
        """Adds to a series; an amount of 0 makes it exist."""
        self[labels] += amount


class DistributionTable:
    """The histograms of one metric, by label values.

    Args:
        bounds: Upper bounds of the buckets, ascending, inclusive as in Prometheus.
    """

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts: dict[Labels, list[int]] = {}
        self._totals: dict[Labels, float] = {}
        self._exemplars: dict[Labels, dict[int, Exemplar]] = {}

    def record(self, value: float, *labels: str, exemplar: Exemplar | None = None) -> None:
        """Adds a sample, and remembers it as the newest of its bucket if it is an exemplar."""
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = [0] * (len(self._bounds) + 1)
            self._totals[labels] = 0.0
        bucket = bisect_left(self._bounds, value)
        counts[bucket] += 1
        self._totals[labels] += value
        if exemplar is not None:
            self._exemplars.setdefault(labels, {})[bucket] = exemplar

    def add(self, counts: tuple[int, ...], total: float, *labels: str) -> None:
        """Adds the samples of another table.

        Args:
            counts: How many there are in each bucket.
            total: Their sum.
            labels: The series.

        Raises:
            ValueError: It has other buckets.
        """
        before = self._counts.get(labels, [0] * (len(self._bounds) + 1))
        self._counts[labels] = [one + other for one, other in zip(before, counts, strict=True)]
        self._totals[labels] = self._totals.get(labels, 0.0) + total

    def read(self) -> Mapping[Labels, Distribution]:
        """A copy of every series."""
        return {
            labels: Distribution(self._bounds, tuple(counts), self._totals[labels], self._newest(labels))
            for labels, counts in self._counts.items()
        }

    def _newest(self, labels: Labels) -> tuple[Exemplar, ...]:
        return tuple(self._exemplars.get(labels, {}).values())


class Tables:
    """Makes the tables of one worker's counts: another one may make some that know more.

    Attributes:
        last_received: When each queue last brought an attempt, as a Unix time.
    """

    def __init__(self) -> None:
        self.last_received: dict[str, float] = {}

    def counters(self, metric: Metric) -> CounterTable:  # noqa: ARG002  # others want to know
        """The table of a counter."""
        return CounterTable()

    def distributions(self, metric: Metric, bounds: tuple[float, ...]) -> DistributionTable:  # noqa: ARG002  # as above
        """The table of a histogram with these bounds."""
        return DistributionTable(bounds)


class WindowCounter:
    """Counts events of the last `seconds`, with a resolution of one second and memory for as many numbers.

    Args:
        seconds: The length of the window.
    """

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._slots: deque[tuple[int, int]] = deque()

    def add(self, now: float) -> None:
        """Counts an event at `now`, a monotonic time in seconds."""
        second = int(now)
        if self._slots and self._slots[-1][0] == second:
            self._slots[-1] = (second, self._slots[-1][1] + 1)
            return
        self._slots.append((second, 1))
        self._forget(now)

    def count(self, now: float) -> int:
        """The events of the window that ends `now`."""
        self._forget(now)
        return sum(count for _, count in self._slots)

    def _forget(self, now: float) -> None:
        while self._slots and self._slots[0][0] <= now - self._seconds:
            self._slots.popleft()
