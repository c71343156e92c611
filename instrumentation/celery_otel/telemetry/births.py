"""When each series began, so that Prometheus sees that it began anew.

The collector goes on showing the last values of a worker that has ended. A series that the next worker of that name has
not counted yet stays what it was, and when it is counted again it may show the very same number: no drop, and
`increase()` sees nothing. Prometheus writes a zero at the beginning of a series, unless it lies before a sample that it
has. So a series that is not in the first export begins when it is first exported.
"""

import threading

from celery_otel.core.births import KnownBirths, NoBirths
from celery_otel.metric import Labels, Metric

_BEFORE = 1_000_000
"""Nanoseconds from the beginning to the first point: a point at its own beginning would count nothing."""


class Births:
    """Remembers when each series was first exported.

    Args:
        before: The beginnings of series that a worker before has exported.
    """

    def __init__(self, before: KnownBirths | None = None) -> None:
        self._before = before or NoBirths()
        # A scrape and an export may be the first at the same time.
        self._lock = threading.Lock()
        self._first: int | None = None
        self._born: dict[tuple[Metric, Labels], int] = {}

    def of(self, metric: Metric, labels: Labels, origin: int, now: int) -> int:
        """The beginning of a series.

        Args:
            metric: Its metric.
            labels: The values of its labels.
            origin: When the series of the first export began, in nanoseconds since 1970.
            now: The moment of this export.
        """
        found = self._born.get((metric, labels))
        return self._new(metric, labels, origin, now) if found is None else found

    def _new(self, metric: Metric, labels: Labels, origin: int, now: int) -> int:
        with self._lock:
            self._first = self._first or now
            found = self._before.known(metric, labels)
            if found is None:
                found = origin if now == self._first else now - _BEFORE
                self._before.note(metric, labels, found)
            return self._born.setdefault((metric, labels), found)
