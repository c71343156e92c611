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

from celery_otel import names
from celery_otel.core.births import KnownBirths
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.metric import Distribution, Exemplar, Labels, Metric, Readings, Value
from celery_otel.telemetry.births import BEFORE, Births

NANOSECONDS = 1_000_000_000
ROUNDS = 3
"""How often zeros are exported at a moment: others may begin while the first are on their way."""
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

    def introduction(self) -> MetricsData:
        """What the process is, and nothing of what it has counted: the gauges of this moment.

        But for those that add up with counts, which what is left of the worker before would not do with them.
        """
        readings, now = self._look()
        gauges = (metric for metric in readings if metric.kind == "gauge" and metric not in names.BALANCED)
        return self._counted({metric: readings[metric] for metric in gauges}, now, self._births.of)

    def exports(self, pause: Callable[[], object]) -> Iterator[MetricsData]:
        """What to export at this moment: zeros for the series that begin now, if any do, and then all that was counted.

        A series begins when its zero has been taken, which going on says; where nobody takes it, it is given again with
        the next moment. Those that have never been told of as 0 begin just before they are first exported.

        Args:
            pause: Waits between zeros and counts.
        """
        readings, now = self._look()
        for _ in range(ROUNDS):
            if not (unborn := self._births.unborn(readings)):
                break
            yield self._data(_zeros(unborn), now, _just_before(now))
            self._births.begin(unborn, self._now())
            pause()
            readings, now = self._look()
        yield self._counted(readings, now, self._births.of)

    def produce(self) -> MetricsData:
        """The metrics of this moment, for those who look in beside the exports: no series begins with that."""
        return self._counted(*self._look(), self._births.known)

    def export(self) -> MetricsData:
        """The metrics of this moment, where there is no time for zeros, or nobody who takes them."""
        return self._counted(*self._look(), self._births.of)

    def _look(self) -> tuple[Readings, int]:
        return self._read(), self._now()

    def _counted(self, readings: Readings, now: int, begun: Callable[[Metric, Labels, int], int]) -> MetricsData:
        first = int(self._set_out[0] * NANOSECONDS)

        def start(metric: Metric, labels: Labels) -> int:
            return first if metric.kind == "gauge" else begun(metric, labels, now)

        return self._data(readings, now, start)

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


def _just_before(now: int) -> Start:
    return lambda *_: now - BEFORE


def _zeros(readings: Readings) -> Readings:
    return {metric: {labels: _zero(series[labels]) for labels in series} for metric, series in readings.items()}


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
