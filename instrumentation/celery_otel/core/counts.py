"""Everything the worker counts about attempts: which number goes where, and nothing of when."""

from collections.abc import Iterable

from celery_otel import names
from celery_otel.core.attempt import Attempt
from celery_otel.core.labels import BoundedLabel
from celery_otel.core.outcome import SEEN_CAUSES, Limit, Outcome, RevocationCause, Status
from celery_otel.core.run_counts import RunCounts
from celery_otel.core.span import SpanIdentity
from celery_otel.core.tables import CounterTable, Tables, WindowCounter
from celery_otel.metric import Exemplar, Labels, Metric, Value

FAILURE_WINDOW = 60
"""The window of the failure rate, in seconds: the guide's rolling minute."""
INVALID_REASONS = ("invalid", "undecodable", "content_disallowed", "unknown_format")
_FROM_ZERO: tuple[tuple[Metric, Iterable[str]], ...] = (
    (names.TASK_TOTAL, Status),
    (names.TASK_RETURNED, SEEN_CAUSES),
    (names.TASK_TIMEOUTS, Limit),
    (names.TASK_REVOCATIONS, RevocationCause),
)


class Counts:
    """The numbers of one worker. Not thread-safe by itself: the `Ledger` holds its lock around every call.

    Args:
        bounds: Upper bounds of the buckets of histograms that have none of their own, in seconds.
        max_error_types: How many distinct exception classes become label values.
        max_model_types: How many model types do, and how many tuning methods.
        tables: Makes the tables; they may hold numbers already.

    Attributes:
        runs: The numbers of training and tuning.
    """

    def __init__(
        self,
        bounds: tuple[float, ...],
        max_error_types: int,
        max_model_types: int = 50,
        tables: Tables | None = None,
    ) -> None:
        tables = tables or Tables()
        self._counters = {metric: tables.counters(metric) for metric in _of_kind("counter")}
        self._histograms = {
            metric: tables.distributions(metric, metric.bounds or bounds) for metric in _of_kind("histogram")
        }
        # Those of every task, which are not looked up for each.
        self._received, self._ended = self._counters[names.TASK_RECEIVED], self._counters[names.TASK_TOTAL]
        self._queue_times = self._histograms[names.TASK_QUEUE_TIME]
        self._prefetch_times = self._histograms[names.TASK_PREFETCH_TIME]
        self._durations = self._histograms[names.TASK_DURATION]
        self._failures: dict[str, WindowCounter] = {}
        self._last_received = tables.last_received
        self._error_type = self.bounded("error_type", max_error_types, names.TASK_FAILURES)
        self._reason = self.bounded("reason", max_error_types, names.TASK_RETRIES)
        self.runs = self._counted_runs(max_model_types)
        self._begin_at_zero()

    def _counted_runs(self, max_model_types: int) -> RunCounts:
        model_type = self.bounded("model_type", max_model_types, names.TRAINING_RUNS)
        method = self.bounded("method", max_model_types, names.TUNING_RUNS)
        return RunCounts(self._counters, self._histograms, model_type, method)

    def _begin_at_zero(self) -> None:
        """Makes the series exist whose labels are known beforehand."""
        for label in ("task_name", "queue_name"):
            self.overflow(label)
        self.add(names.TASK_UNKNOWN, amount=0)
        for reason in INVALID_REASONS:
            self.add(names.MESSAGES_INVALID, reason, amount=0)

    def add(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        """Adds to a counter."""
        self._counters[metric].add(*labels, amount=amount)

    def bounded(self, label: str, limit: int, metric: Metric) -> BoundedLabel:
        """Bounds the values of a label; the series of what it replaces exists from now on.

        Args:
            label: The label.
            limit: How many distinct values pass.
            metric: One that has the label, whose series may exist already.
        """
        series = self._counters[metric] if metric in self._counters else self._histograms[metric].read()
        at = metric.labels.index(label)
        known = [labels[at] for labels in series] + list(self._last_received) * (label == "queue_name")
        return BoundedLabel(limit, self.overflow(label), known)

    def overflow(self, label: str) -> "CountOverflow":
        """What a bounded label calls when it replaces a value; its series exists from now on."""
        self.add(names.CELERY_OTEL_LABEL_OVERFLOW, label, amount=0)
        return CountOverflow(self._counters[names.CELERY_OTEL_LABEL_OVERFLOW], label)

    def declare(self, task: str) -> None:
        """Makes the series of a task exist with the value 0."""
        self._failures.setdefault(task, WindowCounter(FAILURE_WINDOW))
        for metric in (names.TASK_RECEIVED, names.TASK_DUPLICATES):
            self.add(metric, task, amount=0)
        for metric, values in _FROM_ZERO:
            for value in values:
                self.add(metric, task, value, amount=0)

    def received(self, attempt: Attempt) -> None:
        """Counts a receipt."""
        self._received[attempt.task,] += 1
        self._last_received[attempt.queue] = attempt.received_at

    def started(self, attempt: Attempt, started_at: float) -> None:
        """Records how long an attempt waited until its start."""
        self._prefetch_times.record(max(0.0, started_at - attempt.ready_at), attempt.task)
        if attempt.eta is not None:
            delay = max(0.0, started_at - attempt.eta)
            self._histograms[names.TASK_ETA_DELAY].record(delay, attempt.task)
        if attempt.published_at is not None:
            due = attempt.published_at if attempt.eta is None else max(attempt.published_at, attempt.eta)
            queued = max(0.0, started_at - due)
            self._queue_times.record(queued, attempt.task, attempt.queue)

    def ended(self, attempt: Attempt, outcome: Outcome, seconds: float, now: float, at: float) -> None:
        """Counts the end of an attempt.

        Args:
            attempt: The attempt.
            outcome: How it ended.
            seconds: How long it ran; of no meaning if it never started.
            now: The monotonic time.
            at: The Unix time of its end.
        """
        if outcome.status is None:
            self.add(names.TASK_RETURNED, attempt.task, str(outcome.returned))
            return
        self._ended[attempt.task, outcome.status] += 1
        if attempt.started_at is not None:
            exemplar = None if attempt.span is None else _exemplar(attempt.span, seconds, at)
            self._durations.record(seconds, attempt.task, outcome.status, exemplar=exemplar)
        if outcome.detail:
            self._detail(attempt.task, outcome, now)

    def _detail(self, task: str, outcome: Outcome, now: float) -> None:
        if outcome.status is Status.RETRY:
            self.add(names.TASK_RETRIES, task, self._reason(outcome.detail))
        elif outcome.status is Status.REVOKED:
            self.add(names.TASK_REVOCATIONS, task, outcome.detail)
        elif outcome.status is Status.FAILURE:
            self.add(names.TASK_FAILURES, task, self._error_type(outcome.detail))
            self._failures.setdefault(task, WindowCounter(FAILURE_WINDOW)).add(now)

    def rest(self) -> None:
        """Nothing fails here any more: the failure rates read 0."""
        for task in self._failures:
            self._failures[task] = WindowCounter(FAILURE_WINDOW)

    def read(self, worker: str, now: float) -> dict[Metric, dict[Labels, Value]]:
        """A copy of every series.

        Args:
            worker: The worker's name, for series labelled with it.
            now: The monotonic time.
        """
        readings: dict[Metric, dict[Labels, Value]] = {}
        for metric, counters in self._counters.items():
            readings[metric] = dict(counters)
        for metric, histograms in self._histograms.items():
            readings[metric] = dict(histograms.read())
        readings[names.TASK_FAILURE_RATE] = {(task,): window.count(now) for task, window in self._failures.items()}
        readings[names.WORKER_LAST_RECEIVED_TIMESTAMP] = {
            (worker, queue): at for queue, at in self._last_received.items()
        }
        readings[names.TUNING_BEST_SCORE] = dict(self.runs.best_scores)
        return readings


def _of_kind(kind: str) -> list[Metric]:
    return [metric for metric in names.METRICS if metric.kind == kind]


def _exemplar(span: SpanIdentity, seconds: float, at: float) -> Exemplar | None:
    return Exemplar(seconds, at, span.trace_id, span.span_id) if span.sampled else None


class CountOverflow:
    """Counts the replaced values of one label."""

    def __init__(self, table: CounterTable, label: str) -> None:
        self._table = table
        self._label = label

    def __call__(self) -> None:
        """Counts one."""
        self._table.add(self._label)
