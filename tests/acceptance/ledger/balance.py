"""Reads the raw samples of a run from Prometheus and holds them against the plan: equality, series by series."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from celery_otel_pipeline.ledger import counter_total
from celery_otel_pipeline.prometheus import PrometheusServer
from celery_otel_pipeline.samples import Series as RawSeries
from tests.acceptance.ledger.plan import Plan, Series

#: Labels that say where a series comes from, not what it counts.
ORIGIN = {"__name__", "job", "instance", "worker_name"}
GAUGES = {
    "celery_active_tasks",
    "celery_otel_spans_waiting",
    "celery_task_failure_rate",
    "celery_tuning_best_score",
    "celery_worker_heartbeat_timestamp_seconds",
    "celery_worker_last_received_timestamp_seconds",
    "celery_worker_pool_busy",
    "celery_worker_pool_size",
    "celery_worker_prefetch_count",
}
#: Counters that exist at 0 before anything happens; the user's own tasks, or none at all.
FROM_ZERO = re.compile(
    r"celery_(task_(total|received_total|timeouts_total|revocations_total|returned_total|duplicates_total)"
    r"|(training|tuning)_runs_total|training_models_total|task_unknown_total|messages_invalid_total|worker_child_restarts_total|otel_\w+_total)"
)
COUNTED = re.compile(r".+_(total|count)")
#: What processes use and how long the backend takes: no plan of outcomes says that. They have tests of their own.
NOT_OF_ATTEMPTS = "celery_(process|gpu|result_backend)_.+"


@dataclass(frozen=True)
class Difference:
    """A series whose value is not the planned one."""

    series: Series
    planned: float
    found: float

    def __str__(self) -> str:
        """One line of the report."""
        return f"{self.series}: planned {self.planned:g}, Prometheus {self.found:g}"


@dataclass(frozen=True)
class Reading:
    """All raw samples of one run's series.

    Attributes:
        raw: Every series but those of histogram buckets.
        whole: The last bucket of every histogram, which holds all its samples.
    """

    raw: list[RawSeries]
    whole: list[RawSeries]

    @classmethod
    def of(cls, prometheus: PrometheusServer, job: str, *, window: str = "1h") -> "Reading":
        """Read what Prometheus has of this job, within the last hour by default."""
        own = f'__name__!~"{NOT_OF_ATTEMPTS}", job="{job}"'
        no_bucket = f'{{__name__=~"celery_.+", __name__!~".+_bucket", {own}}}'
        last_bucket = f'{{__name__=~"celery_.+_bucket", le="+Inf", {own}}}'
        return cls(prometheus.series(no_bucket, window=window), prometheus.series(last_bucket, window=window))

    def named(self, name: str) -> list[RawSeries]:
        """The series of one metric."""
        return [series for series in self.raw if series.labels["__name__"] == name]

    def totals(self) -> Plan:
        """Everything ever counted, over all instances and lives: also the series at 0."""
        return _totals(one for one in self.raw if _is_counter(one.labels["__name__"]))

    def lost_samples(self) -> list[str]:
        """A line for each histogram whose buckets do not hold all the samples that it counts."""
        counted = {key: value for key, value in self.totals().items() if key.metric.endswith("_count")}
        held = {_count_of(key): value for key, value in _totals(self.whole).items()}
        keys = sorted(set(counted) | set(held), key=str)
        return [
            f"buckets of {key}: {held.get(key, 0)} samples of {counted.get(key, 0)}"
            for key in keys
            if held.get(key, 0) != counted.get(key, 0)
        ]

    def sum_of(self, name: str, **labels: str) -> float:
        """What a counter (or a histogram's `_sum`) has ever counted, for these labels."""
        return counter_total([one for one in self.named(name) if labels.items() <= one.labels.items()])

    def latest(self, name: str, **labels: str) -> dict[str, float]:
        """The newest value of a gauge by instance, other labels summed."""
        values: dict[str, float] = {}
        for one in self.named(name):
            if labels.items() <= one.labels.items():
                instance = one.labels["instance"]
                values[instance] = values.get(instance, 0.0) + one.points[-1][1]
        return values


def _totals(raw: Iterable[RawSeries]) -> Plan:
    groups: dict[Series, list[RawSeries]] = {}
    for one in raw:
        groups.setdefault(_key(one.labels), []).append(one)
    # Counts are whole numbers; a fraction would be a finding, so it must not be rounded away.
    return Plan({key: _whole(counter_total(group)) for key, group in groups.items()})


def _count_of(bucket: Series) -> Series:
    labels = frozenset(label for label in bucket.labels if label[0] != "le")
    return Series(bucket.metric.removesuffix("_bucket") + "_count", labels)


def differences(plan: Plan, found: Plan) -> list[Difference]:
    """Every series that is planned or found and whose two values differ; a missing one is 0."""
    keys = sorted(set(plan) | set(found), key=str)
    return [Difference(key, plan[key], found[key]) for key in keys if plan[key] != found[key]]


def unexplained(reading: Reading, plan: Plan, tasks: Iterable[str]) -> list[str]:
    """Series that have no business to exist: of no known metric, or of a task that nobody has.

    Args:
        reading: What Prometheus has.
        plan: What is planned.
        tasks: The registered names of the application's tasks.
    """
    known = set(tasks)
    found = {_key(one.labels) for one in reading.raw}
    return sorted(str(key) for key in found if not _explained(key, plan, known))


def _explained(key: Series, plan: Plan, tasks: set[str]) -> bool:
    task = dict(key.labels).get("task_name")
    if task is not None and task not in tasks:
        return False
    histogram = Series(key.metric.removesuffix("_sum") + "_count", key.labels)
    return key in plan or histogram in plan or key.metric in GAUGES or bool(FROM_ZERO.fullmatch(key.metric))


def _is_counter(name: str) -> bool:
    return bool(COUNTED.fullmatch(name)) and name not in GAUGES


def _key(labels: Mapping[str, str]) -> Series:
    rest = frozenset((name, value) for name, value in labels.items() if name not in ORIGIN)
    return Series(labels["__name__"], rest)


def _whole(value: float) -> int:
    if not value.is_integer():
        raise AssertionError(f"a count of {value} is no whole number: the product counts wrongly")
    return int(value)
