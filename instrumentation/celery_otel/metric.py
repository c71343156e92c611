"""What a metric is: the shape of one entry of `telemetry.yaml`, shared by all that count, export or document it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

Labels = tuple[str, ...]
"""The values of a series' labels, in the order of its metric's `labels`."""


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One metric, as `telemetry.yaml` describes it.

    Attributes:
        name: The OpenTelemetry instrument name, such as `celery.task.duration`.
        series: The name it has in Prometheus, such as `celery_task_duration_seconds`.
        kind: Counter, gauge or histogram.
        unit: A UCUM unit, such as `s` or `{task}`.
        description: One sentence, which Prometheus shows as the help text.
        labels: The attribute keys of its series, in order.
        bounds: Upper bounds of a histogram's buckets, ascending, in its unit; none where they are the settings'.
    """

    name: str
    series: str
    kind: Kind
    unit: str
    description: str
    labels: Labels
    bounds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One sample of a bucket, with the span that it comes from.

    Attributes:
        value: The sample, in the metric's unit.
        at: When it was taken, as a Unix time.
        trace_id: The trace, 128 bits.
        span_id: The span, 64 bits.
    """

    value: float
    at: float
    trace_id: int
    span_id: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """The state of one histogram series.

    Attributes:
        bounds: Upper bounds of the buckets, ascending, in the metric's unit; one more bucket takes the rest.
        counts: Samples per bucket, one more than there are bounds.
        total: The sum of all samples.
        exemplars: The newest of each bucket that has one.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float
    exemplars: tuple[Exemplar, ...] = ()


Value = int | float | Distribution
Readings = Mapping[Metric, Mapping[Labels, Value]]
"""Every series of a moment: by metric, then by label values."""
