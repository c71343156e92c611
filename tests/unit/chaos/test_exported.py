"""What is read out of the exports of several lives."""

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Gauge,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from celery_otel import names
from tests.acceptance.ledger.plan import count
from tests.chaos.exported import Life, counted, lives, moments

SECOND = 1_000_000_000


def attribute(key: str, value: str) -> KeyValue:
    """One label."""
    return KeyValue(key=key, value=AnyValue(string_value=value))


def export(began: int, at: int, received: int) -> ResourceMetrics:
    """What a worker says that has received so many tasks."""
    labels = [attribute("task_name", "t")]
    point = NumberDataPoint(
        attributes=labels, start_time_unix_nano=began * SECOND, time_unix_nano=at * SECOND, as_int=received
    )
    metric = Metric(
        name=names.TASK_RECEIVED.name,
        sum=Sum(
            data_points=[point],
            aggregation_temporality=AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE,
            is_monotonic=True,
        ),
    )
    size = Metric(name=names.WORKER_POOL_SIZE.name, gauge=Gauge(data_points=[NumberDataPoint(as_int=4)]))
    resource = Resource(attributes=[attribute("service.instance.id", "w@h")])
    return ResourceMetrics(resource=resource, scope_metrics=[ScopeMetrics(metrics=[metric, size])])


def zeros(began: int, at: int) -> ResourceMetrics:
    """What it says before that."""
    said = export(began, at, 0)
    del said.scope_metrics[0].metrics[1]
    return said


def test_the_last_export_of_each_life_counts() -> None:
    """Earlier ones of the same life are contained in it; the next life begins at 0. Zeros alone are of none."""
    found = lives([export(1, 2, 5), export(1, 3, 7), zeros(8, 8), export(9, 10, 1)])
    assert [Life("w@h", SECOND), Life("w@h", 9 * SECOND)] == list(found)
    assert [3.0, 10.0] == [last.at for last in found.values()]
    assert count("celery_task_received_total", 8, task_name="t") == counted(found)


def test_each_export_has_its_moment() -> None:
    """In the order of arrival."""
    assert [2.0, 10.0] == [at for _, at in moments([export(1, 2, 5), export(9, 10, 1)])]
