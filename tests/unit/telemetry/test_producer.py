"""Readings become OpenTelemetry's metrics data."""

import json
from itertools import chain, count, repeat
from typing import Any

from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.resources import Resource

from celery_otel import names
from celery_otel.core.clock import Clock
from celery_otel.metric import Distribution, Metric, Readings
from celery_otel.telemetry.producer import MetricProducer


def test_every_kind_of_metric_is_produced() -> None:
    """A counter, a gauge and a histogram come out with their names, units, labels and times, all cumulative."""
    readings: Readings = {
        names.TASK_TOTAL: {("shop.order", "success"): 3},
        names.WORKER_POOL_SIZE: {("w@host",): 4},
        names.TASK_DURATION: {("shop.order", "success"): Distribution((1.0,), (2, 1), 4.5)},
        names.TASK_RETRIES: {},
    }
    monotonic = iter([7.0, 7.5])
    clock = Clock(wall=lambda: 1700000000.0, monotonic=lambda: next(monotonic))
    producer = MetricProducer(lambda: readings, Resource({"service.name": "shop"}), "1.0", clock)
    (resource,) = json.loads(producer.produce().to_json())["resource_metrics"]
    (scope,) = resource["scope_metrics"]
    assert {"service.name": "shop"} == resource["resource"]["attributes"]
    assert ("celery_otel", "1.0") == (scope["scope"]["name"], scope["scope"]["version"])
    total, size, duration = scope["metrics"]
    assert ("celery.task.total", "{task}") == (total["name"], total["unit"])
    assert (2, True) == (total["data"]["aggregation_temporality"], total["data"]["is_monotonic"])
    expected = {
        "attributes": {"task_name": "shop.order", "status": "success"},
        "start_time_unix_nano": 1_700_000_000_499_000_000,
        "time_unix_nano": 1_700_000_000_500_000_000,
        "value": 3,
        "exemplars": [],
    }
    assert [expected] == total["data"]["data_points"]
    assert [4] == [point["value"] for point in size["data"]["data_points"]]
    (point,) = duration["data"]["data_points"]
    assert (3, 4.5, [2, 1], [1.0]) == tuple(point[key] for key in ("count", "sum", "bucket_counts", "explicit_bounds"))


class Before:
    """Knows one series that another process has exported."""

    goes_on = kept = True

    def __init__(self) -> None:
        self.noted: list[tuple[str, tuple[str, ...], int]] = []

    def known(self, metric: Metric, labels: tuple[str, ...]) -> int | None:
        """When it began."""
        return 5_000_000_000 if (metric, labels) == (names.TASK_TOTAL, ("a", "success")) else None

    def note(self, metric: Metric, labels: tuple[str, ...], at: int) -> None:
        """Another one begins."""
        self.noted.append((metric.name, labels, at))


def test_series_that_another_process_has_begun_begin_then() -> None:
    """A series that goes on from before has its own beginning, and is not announced; the others are noted."""
    readings: Readings = {names.TASK_TOTAL: {("a", "success"): 3, ("a", "failure"): 1}, names.TASK_UNKNOWN: {(): 0}}
    clock = Clock(wall=lambda: 10.0, monotonic=lambda: 1.0)
    before = Before()
    producer = MetricProducer(lambda: readings, Resource({}), "1.0", clock, births=before)
    zeros, counted = map(_points, producer.exports(lambda: None))
    assert [({"task_name": "a", "status": "failure"}, 0), ({}, 0)] == [
        (point["attributes"], point["value"]) for point in zeros
    ]
    assert [5_000_000_000, 10_000_000_000, 10_000_000_000] == [point["start_time_unix_nano"] for point in counted]
    origin = 10_000_000_000
    assert [("celery.task.total", ("a", "failure"), origin), (names.TASK_UNKNOWN.name, (), origin)] == before.noted


READINGS: Readings = {
    names.TASK_TOTAL: {("a", "success"): 3},
    names.WORKER_POOL_SIZE: {("w@host",): 4},
    names.TASK_DURATION: {("a", "success"): Distribution((1.0,), (2, 1), 4.5)},
}


def _producer() -> MetricProducer:
    """A producer for which a second passes whenever it looks."""
    seconds = count()
    clock = Clock(wall=lambda: 10.0, monotonic=lambda: float(next(seconds)))
    return MetricProducer(lambda: READINGS, Resource({}), "1.0", clock)


def test_a_worker_is_introduced_by_what_it_is() -> None:
    """Gauges come first, but for those that add up with counts; no series begins with that."""
    readings: Readings = {**READINGS, names.ACTIVE_TASKS: {("a",): 1}, names.WORKER_PREFETCH_COUNT: {("w@host",): 2}}
    producer = MetricProducer(lambda: readings, Resource({}), "1.0")
    assert [4] == [point["value"] for point in _points(producer.introduction())]
    assert 2 == len(list(producer.exports(lambda: None)))


def test_series_begin_when_their_zeros_have_been_taken() -> None:
    """What nobody takes is given as 0 again; behind it comes all that was counted until then."""
    producer = _producer()
    next(producer.exports(lambda: None))
    zeros, counted = map(_points, producer.exports(lambda: None))
    assert [0, [0, 0]] == [zeros[0]["value"], zeros[1]["bucket_counts"]]
    assert [12_000_000_000] * 2 == [point["time_unix_nano"] for point in zeros]
    total, _, duration = counted
    assert [3, [2, 1]] == [total["value"], duration["bucket_counts"]]
    assert [13_000_000_000] * 2 == [point["start_time_unix_nano"] for point in (total, duration)]
    assert [14_000_000_000] * 3 == [point["time_unix_nano"] for point in counted]
    assert 1 == len(list(producer.exports(lambda: None)))


def _growing() -> MetricProducer:
    """A producer whose second reading has a series that the first has not."""
    first: Readings = {names.TASK_TOTAL: {("a", "failure"): 1}}
    more: Readings = {names.TASK_FAILURES: {("a", "ValueError"): 1}}
    readings = chain([first], repeat({**first, **more}))
    return MetricProducer(lambda: next(readings), Resource({}), "1.0")


def test_what_begins_meanwhile_is_told_of_as_0_too() -> None:
    """A series that appears between zeros and counts has zeros of its own, and a pause behind them."""
    pauses: list[None] = []
    exports = [_points(part) for part in _growing().exports(lambda: pauses.append(None))]
    assert [[0], [0], [1, 1]] == [[point["value"] for point in part] for part in exports]
    assert 2 == len(pauses)


def test_who_looks_in_beside_the_exports_begins_nothing() -> None:
    """A scrape of the worker itself does not keep the zeros from those who take the exports."""
    producer = _producer()
    assert 3 == _points(producer.produce())[0]["value"]
    assert 2 == len(list(producer.exports(lambda: None)))


def test_the_last_export_has_no_zeros() -> None:
    """What has never been told of begins just before it."""
    total, size, duration = _points(_producer().export())
    assert [3, 4, [2, 1]] == [total["value"], size["value"], duration["bucket_counts"]]
    assert 1_000_000 == total["time_unix_nano"] - total["start_time_unix_nano"]


def _points(metrics: MetricsData) -> list[dict[str, Any]]:
    """All points, metric by metric."""
    (resource,) = json.loads(metrics.to_json())["resource_metrics"]
    return [point for metric in resource["scope_metrics"][0]["metrics"] for point in metric["data"]["data_points"]]
