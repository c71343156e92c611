"""When each series began, so that Prometheus sees that it began anew.

The collector goes on showing the last values of a worker that has ended. A series that the next worker of that name has
not counted yet stays what it was, and when it is counted again it may show the very same number: no drop, and
`increase()` sees nothing. Prometheus writes a zero at the beginning of a series, unless it lies before a sample that it
has. So a series begins when whoever takes the exports has taken a zero for it: what is scraped from then on is its own.
"""

import threading
from collections.abc import Iterable, Mapping

from celery_otel.core.births import KnownBirths, NoBirths
from celery_otel.metric import Labels, Metric, Readings

BEFORE = 1_000_000
"""Nanoseconds from the beginning to the first point: a point at its own beginning would count nothing."""


class Births:
    """Remembers when each series began.

    Args:
        before: The beginnings of series that a worker before has exported.
    """

    def __init__(self, before: KnownBirths | None = None) -> None:
        self._before = before or NoBirths()
        # Two scrapes may be the first at the same time.
        self._lock = threading.Lock()
        self._born: dict[tuple[Metric, Labels], int] = {}

    def unborn(self, readings: Readings) -> Readings:
        """Those of the series that have not begun yet. Gauges never do."""
        counted = ((metric, series) for metric, series in readings.items() if metric.kind != "gauge")
        found = (
            (metric, {key: series[key] for key in series if not self._has(metric, key)}) for metric, series in counted
        )
        return {metric: series for metric, series in found if series}

    def begin(self, series: Mapping[Metric, Iterable[Labels]], at: int) -> None:
        """These begin, in nanoseconds since 1970, unless they have begun already."""
        for metric, keys in series.items():
            for labels in keys:
                self._begun(metric, labels, at)

    def of(self, metric: Metric, labels: Labels, now: int) -> int:
        """The beginning of a series. One that nobody has been told of begins just before this export.

        Args:
            metric: Its metric.
            labels: The values of its labels.
            now: The moment of this export, in nanoseconds since 1970.
        """
        return self._begun(metric, labels, now - BEFORE)

    def known(self, metric: Metric, labels: Labels, now: int) -> int:
        """The same for an export that begins nothing."""
        found = self._born.get((metric, labels))
        return now - BEFORE if found is None else found

    def _has(self, metric: Metric, labels: Labels) -> bool:
        return (metric, labels) in self._born or self._before.known(metric, labels) is not None

    def _begun(self, metric: Metric, labels: Labels, at: int) -> int:
        with self._lock:
            found = self._born.get((metric, labels))
            return self._begin(metric, labels, at) if found is None else found

    def _begin(self, metric: Metric, labels: Labels, at: int) -> int:
        found = self._before.known(metric, labels)
        if found is None:
            self._before.note(metric, labels, at)
            found = at
        self._born[metric, labels] = found
        return found
