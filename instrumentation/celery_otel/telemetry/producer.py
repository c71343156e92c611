"""Turns the readings of one moment into OpenTelemetry's metrics data.

The specification calls this a MetricProducer: metrics that were aggregated elsewhere. The ledger has counted already,
under one lock; going through instruments would count a second time, cost ten times as much per task, and read each
series at another moment. Cumulative, always: the totals since the worker's start, so that a lost export costs nothing.
"""

import math
from collections.abc import Callable, Iterator, Mapping
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
Start = Callable[[Metric, Labels], int]
"""Tells when a series begins, in nanoseconds since 1970."""


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
    def _set_out(self) -> tuple[float, float]:
        """A wall and a monotonic time of the same moment."""
        return self._clock.wall(), self._clock.monotonic()

    def _now(self) -> int:
        """The wall time in nanoseconds. A clock that is set back never makes a newer point look older."""
        wall, monotonic = self._set_out
        return int((wall + self._clock.monotonic() - monotonic) * NANOSECONDS)

    def exports(self) -> Iterator[MetricsData]:
        """The metrics of this moment, and before them zeros for the series that begin now, if any do.

        They begin when the zeros have been taken, which going on says. Where nobody takes them, they are given again.
        """
        readings = self._read()
        unborn = self._births.unborn(readings)
        if unborn:
            now = self._now()
            yield self._data({metric: _zeros(series) for metric, series in unborn.items()}, now, lambda *_: now - 1)
            self._births.begin(unborn, self._now())
            readings = self._read()
        yield self._counted(readings)

    def produce(self) -> MetricsData:
        """The metrics of this moment, for those who keep nothing of the process that had this name before."""
        return self._counted(self._read())

    def _counted(self, readings: Readings) -> MetricsData:
        now = self._now()
        return self._data(readings, now, lambda metric, labels: self._start(metric, labels, now))

    def _start(self, metric: Metric, labels: Labels, now: int) -> int:
        if metric.kind == "gauge":
            return int(self._set_out[0] * NANOSECONDS)
        return self._births.of(metric, labels, now)

    def _data(self, readings: Readings, now: int, start: Start) -> MetricsData:
        metrics = [_metric(metric, series, now, start) for metric, series in readings.items() if series]
        scope = ScopeMetrics(scope=self._scope, metrics=metrics, schema_url="")
        return MetricsData([ResourceMetrics(resource=self._resource, scope_metrics=[scope], schema_url="")])


def _metric(metric: Metric, series: Mapping[Labels, Value], now: int, start: Start) -> OtelMetric:
    data: Sum | Gauge | Histogram
    if metric.kind == "histogram":
        data = Histogram(_distributions(metric, series, now, start), AggregationTemporality.CUMULATIVE)
    elif metric.kind == "counter":
        data = Sum(_numbers(metric, series, now, start), AggregationTemporality.CUMULATIVE, is_monotonic=True)
    else:
        data = Gauge(_numbers(metric, series, now, start))
    return OtelMetric(name=metric.name, description=metric.description, unit=metric.unit, data=data)


def _numbers(metric: Metric, series: Mapping[Labels, Value], now: int, start: Start) -> list[NumberDataPoint]:
    return [
        NumberDataPoint(
            attributes=dict(zip(metric.labels, labels, strict=True)),
            start_time_unix_nano=start(metric, labels),
            time_unix_nano=now,
            value=value,
        )
        for labels, value in series.items()
        if not isinstance(value, Distribution)
    ]


def _distributions(metric: Metric, series: Mapping[Labels, Value], now: int, start: Start) -> list[HistogramDataPoint]:
    return [
        HistogramDataPoint(
            attributes=dict(zip(metric.labels, labels, strict=True)),
            start_time_unix_nano=start(metric, labels),
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


def _zeros(series: Mapping[Labels, Value]) -> Mapping[Labels, Value]:
    return {labels: _zero(value) for labels, value in series.items()}


def _zero(value: Value) -> Value:
    return Distribution(value.bounds, (0,) * len(value.counts), 0.0) if isinstance(value, Distribution) else 0


def _exemplar(one: Exemplar) -> OtelExemplar:
    return OtelExemplar(
        filtered_attributes={},
        value=one.value,
        time_unix_nano=int(one.at * NANOSECONDS),
        span_id=one.span_id,
        trace_id=one.trace_id,
    )
