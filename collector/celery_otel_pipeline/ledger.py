"""Exact sums from raw samples of counters."""

from collections.abc import Sequence
from itertools import pairwise

from celery_otel_pipeline.samples import Series


def counter_total(series: Sequence[Series]) -> float:
    """Return all that these counters ever counted, over every restart of what counted.

    Each series began at 0, so its first sample counts whole; a drop means that the counter began again, so the sample
    after it counts whole too. Unlike `increase()` this neither extrapolates nor loses a first sample.
    """
    return sum(_total([value for _, value in one.points]) for one in series)


def _total(values: Sequence[float]) -> float:
    growth = (after - before if after >= before else after for before, after in pairwise(values))
    return sum(growth, start=values[0] if values else 0.0)
