"""When the series of a state began: told of each that begins, and known by the next worker.

A series that was counted and never exported before the worker was killed has no beginning yet. It begins when the next
worker exports it: Prometheus would not take a zero for it from further back, and see no increase.
"""

from collections.abc import Callable

from celery_otel.metric import Labels, Metric
from celery_otel.state.contents import Contents, Series
from celery_otel.state.journal import Journal


class KeptBirths:
    """The beginnings of the series of one state.

    Args:
        journal: What is told of new ones, and has the numbers of the series.
        before: What the worker before has left.
        kept: Whether all that has been counted is on disk.
    """

    def __init__(self, journal: Journal, before: Contents | None, kept: Callable[[], bool]) -> None:
        self._journal = journal
        self._kept = kept
        self._goes_on = before is not None
        self._born: dict[Series, int] = {}
        if before is not None:
            self._born = {before.series[number]: at for number, at in before.births.items()}

    @property
    def goes_on(self) -> bool:
        """Whether this worker goes on from what one before has counted."""
        return self._goes_on

    @property
    def kept(self) -> bool:
        """Whether the next worker would go on from all that has been counted until now."""
        return self._kept()

    def known(self, metric: Metric, labels: Labels) -> int | None:
        """When a series began, in nanoseconds since 1970; None if it was never exported, or is not kept."""
        return self._born.get((metric.name, labels))

    def note(self, metric: Metric, labels: Labels, at: int) -> None:
        """A series begins, and is exported right after that; one that is not kept is nothing to be told."""
        series = metric.name, labels
        with self._journal:
            number = self._journal.numbers.get(series)
            if number is not None:
                self._born[series] = at
                self._journal.born(number, at)

    def told(self) -> list[tuple[int, int]]:
        """All of them, by the numbers of the series. To be called under the lock."""
        numbers = self._journal.numbers
        return [(numbers[series], at) for series, at in self._born.items() if series in numbers]
