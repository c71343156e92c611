"""Sets what happened beside what Prometheus says, number by number."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .model_run import BEST_SCORE, SUBJECTS_OF_RUNS
from .plan import Key

LABELS = {
    "celery_task_total": "status",
    "celery_task_duration_seconds_count": "status",
    "celery_task_failures_total": "error_type",
    "celery_task_retries_total": "reason",
    "celery_task_revocations_total": "cause",
    "celery_task_timeouts_total": "limit",
    "celery_task_received_total": "",
    "celery_task_returned_total": "",
    "celery_task_duplicates_total": "",
    "celery_active_tasks": "",
    "celery_training_runs_total": "result",
    "celery_training_models_total": "",
    "celery_training_samples_sum": "result",
    "celery_training_features_sum": "result",
    "celery_tuning_runs_total": "result",
    "celery_tuning_iterations_sum": "result",
    BEST_SCORE: "",
}
SUBJECTS = {f"celery_{kind}_": label for kind, label in SUBJECTS_OF_RUNS.items()}
# A search that somebody or a limit has to end tries as many settings as it happens to.
SELECTORS = dict.fromkeys(("celery_tuning_iterations_sum", BEST_SCORE), '{method="grid"}')


class Sample(Protocol):
    """One series at one moment, as Prometheus answers it."""

    @property
    def labels(self) -> Mapping[str, str]:
        """The series' labels."""

    @property
    def value(self) -> float:
        """The series' value."""


Query = Callable[[str], Iterable[Sample]]


@dataclass(frozen=True)
class Row:
    """One number, twice.

    Attributes:
        key: Which number.
        happened: What the driver knows.
        prometheus: What Prometheus says. None: it has no such series.
    """

    key: Key
    happened: float
    prometheus: float | None

    @property
    def equal(self) -> bool:
        """Both are the same. A series that does not exist says nothing, so it is as good as 0."""
        return float(self.happened) == (self.prometheus or 0.0)


def read(query: Query) -> dict[Key, float]:
    """Return what Prometheus shows now, added up over the workers.

    Args:
        query: Answers a PromQL expression.
    """
    return {key: value for metric, label in LABELS.items() for key, value in _read_metric(query, metric, label)}


def _read_metric(query: Query, metric: str, label: str) -> Iterable[tuple[Key, float]]:
    subject = subject_of(metric)
    by = f"{subject}, {label}" if label else subject
    for sample in query(f"sum by ({by}) ({metric}{SELECTORS.get(metric, '')})"):
        value = sample.labels.get(label, "") if label else ""
        yield Key(metric, sample.labels.get(subject, ""), label, value), sample.value


def subject_of(metric: str) -> str:
    """Return the label that says what a series is about."""
    return next((label for prefix, label in SUBJECTS.items() if metric.startswith(prefix)), "task_name")


def compare(happened: Mapping[Key, float], prometheus: Mapping[Key, float]) -> list[Row]:
    """Return a row for each number that either side has, in a stable order.

    What Prometheus shows and nobody planned is a row too: there, 0 happened.
    """
    keys = sorted(set(happened) | set(prometheus))
    return [Row(key, happened.get(key, 0), prometheus.get(key)) for key in keys]


def differing(rows: Sequence[Row]) -> list[Row]:
    """Return the rows whose two numbers are not equal."""
    return [row for row in rows if not row.equal]
