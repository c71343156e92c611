"""Turns the readings of one moment into OpenTelemetry's metrics data.

The specification calls this a MetricProducer: metrics that were aggregated elsewhere. The ledger has counted already,
under one lock; going through instruments would count a second time, cost ten times as much per task, and read each
series at another moment. Cumulative, always: the totals since the worker's start, so that a lost export costs nothing.
"""

import math
from collections.abc import Callable, Mapping
from functools import cached_property

from opentelemetry.sdk.metrics import Exemplar as OtelExemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Metric as OtelMetric
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from celery_otel.core.births import KnownBirths
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.metric import Distribution, Exemplar, Labels, Metric, Readings, Value
from celery_otel.telemetry.births import Births

NANOSECONDS = 1_000_000_000


class MetricProducer:
    """Produces metrics data on demand.

    Args:
        read: Gives every series of the moment.
        resource: What the series are about.
        version: The version of celery-otel.
        clock: Where the time comes from.
        births: The beginnings of series that a process before has exported.
    """

    def __init__(
        self,
        read: Callable[[], Readings],
        resource: Resource,
        version: str,
        clock: Clock = SYSTEM_CLOCK,
        *,
        births: KnownBirths | None = None,
    ) -> None:
        self._read = read
        self._resource = resource
        self._scope = InstrumentationScope("celery_otel", version)
        self._clock = clock
        self._births = Births(births)

    @cached_property
    def _origin(self) -> tuple[float, float]:
        """The wall and monotonic time at which the series begin: the first export, which says 0.

        Not the worker's start: Prometheus refuses a beginning that lies before a sample it has, and until now it may
        have scraped the last values of the worker that had this name before.
        """
        return self._clock.wall(), self._clock.monotonic()

    def produce(self) -> MetricsData:
        """The metrics of this moment."""
        wall, monotonic = self._origin
        readings = self._read()
        # Counted from the origin, so that a clock that is set back never makes a newer point look older.
        now = int((wall + self._clock.monotonic() - monotonic) * NANOSECONDS)
        metrics = [self._metric(metric, series, now) for metric, series in readings.items() if series]
        scope = ScopeMetrics(scope=self._scope, metrics=metrics, schema_url="")
        return MetricsData([ResourceMetrics(resource=self._resource, scope_metrics=[scope], schema_url="")])

    def _metric(self, metric: Metric, series: Mapping[Labels, Value], now: int) -> OtelMetric:
        data: Sum | Gauge | Histogram
        if metric.kind == "histogram":
            data = Histogram(self._distributions(metric, series, now), AggregationTemporality.CUMULATIVE)
        elif metric.kind == "counter":
            data = Sum(self._numbers(metric, series, now), AggregationTemporality.CUMULATIVE, is_monotonic=True)
        else:
            data = Gauge(self._numbers(metric, series, now))
        return OtelMetric(name=metric.name, description=metric.description, unit=metric.unit, data=data)

    def _start(self, metric: Metric) -> Callable[[Labels, int], int]:
        """Tells when a series of a metric begins, from its labels and the moment of this export; in nanoseconds."""
        origin = int(self._origin[0] * NANOSECONDS)
        return lambda labels, now: origin if metric.kind == "gauge" else self._births.of(metric, labels, origin, now)

    def _numbers(self, metric: Metric, series: Mapping[Labels, Value], now: int) -> list[NumberDataPoint]:
        start = self._start(metric)
        return [
            NumberDataPoint(
                attributes=dict(zip(metric.labels, labels, strict=True)),
                start_time_unix_nano=start(labels, now),
                time_unix_nano=now,
                value=value,
            )
            for labels, value in series.items()
            if not isinstance(value, Distribution)
        ]

    def _distributions(self, metric: Metric, series: Mapping[Labels, Value], now: int) -> list[HistogramDataPoint]:
        start = self._start(metric)
        return [
            HistogramDataPoint(
                attributes=dict(zip(metric.labels, labels, strict=True)),
                start_time_unix_nano=start(labels, now),
                time_unix_nano=now,
                count=sum(value.counts),
                sum=value.total,
                bucket_counts=value.counts,
                explicit_bounds=value.bounds,
                exemplars=[_exemplar(one) for one in value.exemplars],
                # Not recorded, in the SDK's own notation: extremes over a worker's whole life say nothing.
                min=math.inf,
                max=-math.inf,
            )
            for labels, value in series.items()
            if isinstance(value, Distribution)
        ]


def _exemplar(one: Exemplar) -> OtelExemplar:
    return OtelExemplar(
        filtered_attributes={},
        value=one.value,
        time_unix_nano=int(one.at * NANOSECONDS),
        span_id=one.span_id,
        trace_id=one.trace_id,
    )
