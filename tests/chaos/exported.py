"""What the workers themselves exported over all their lives: the last totals of each life, series by series."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ResourceMetrics

from celery_otel import names
from celery_otel.names import METRICS
from tests.acceptance.ledger.balance import ORIGIN
from tests.acceptance.ledger.plan import Plan, Series, total

_SERIES = {metric.name: metric.series for metric in METRICS}
_NANOSECONDS = 1e9


class Life(NamedTuple):
    """From one beginning of a node's totals to the next."""

    instance: str
    began: int


class Last(NamedTuple):
    """The last export of a life: when it was made (Unix time), and what was counted until then."""

    at: float
    counted: Plan


def lives(exports: Iterable[ResourceMetrics]) -> dict[Life, Last]:
    """The last export of each life, in the order of their beginnings."""
    last = {life: export for export in exports if (life := _life(export))}
    return {life: _last(export) for life, export in last.items()}


def counted(found: Mapping[Life, Last]) -> Plan:
    """What all lives have counted together."""
    return total(*(last.counted for last in found.values()))


def moments(exports: Iterable[ResourceMetrics]) -> list[tuple[Life, float]]:
    """For each export its life, and when it was made (Unix time)."""
    return [(life, _last(export).at) for export in exports if (life := _life(export))]


def _life(export: ResourceMetrics) -> Life | None:
    if not any(metric.HasField("gauge") for metric in _metrics(export)):
        return None  # Zeros alone, whose series have not begun yet.
    instance = {item.key: item.value.string_value for item in export.resource.attributes}["service.instance.id"]
    for metric in _metrics(export):
        if metric.name == names.TASK_RECEIVED.name:
            return Life(instance, metric.sum.data_points[0].start_time_unix_nano)
    return None


def _last(export: ResourceMetrics) -> Last:
    plan: Plan = Plan()
    at = 0
    for metric in _metrics(export):
        plan.update(dict(_counts(metric)))
        at = max(at, *(point.time_unix_nano for point in metric.sum.data_points), 0)
    return Last(at / _NANOSECONDS, plan)


def _metrics(export: ResourceMetrics) -> Iterator[Metric]:
    return (metric for scope in export.scope_metrics for metric in scope.metrics)


def _counts(metric: Metric) -> Iterator[tuple[Series, int]]:
    name = _SERIES.get(metric.name, metric.name)
    for point in metric.sum.data_points:
        yield _series(name, point.attributes), point.as_int or int(point.as_double)
    for sample in metric.histogram.data_points:
        yield _series(f"{name}_count", sample.attributes), sample.count


def _series(name: str, attributes: Iterable[object]) -> Series:
    labels = {item.key: item.value.string_value for item in attributes}  # type: ignore[attr-defined]  # protobuf's
    return Series(name, frozenset((key, value) for key, value in labels.items() if key not in ORIGIN))
