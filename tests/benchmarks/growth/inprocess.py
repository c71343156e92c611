"""All that celery-otel has in a worker's MAIN process, without Celery's worker around it: its own cost, and no other.

The hooks are called as Celery's requests call them, in this process, so that a few microseconds do not drown in the two
milliseconds that Celery takes for a task.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from statistics import median
from types import SimpleNamespace, TracebackType
from typing import Any, Never, Self

from billiard.einfo import ExceptionInfo
from celery import Celery
from celery.concurrency.prefork import TaskPool
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import MetricExportResult

from celery_otel.core.attempt import Attempt
from celery_otel.failures import FailureLog
from celery_otel.hooks.worker import WorkerTelemetry
from celery_otel.metric import Labels, Metric, Value
from celery_otel.settings import Settings
from celery_otel.stamps import PUBLISHED_AT
from celery_otel.telemetry.producer import MetricProducer
from celery_otel.telemetry.resource import worker_resource
from celery_otel.telemetry.span_pipeline import SpanPipeline
from celery_otel.version import VERSION

SERVICE = "growth"
EXPORTS = 5
_SUCCESS = (0, None, 0.001)
Readings = dict[Metric, dict[Labels, Value]]


class Request:
    """What the hooks read of Celery's request, and the place where they keep the attempt."""

    task = SimpleNamespace(throws=())
    worker_pid = 1
    eta = None
    _eta = None

    def __init__(self, task: str, queue: str, number: int) -> None:
        self.id = f"00000000-0000-0000-0000-{number:012}"
        self.request_dict = self._request_dict = _headers(self.id, queue, number)
        self._celery_otel_task = task
        self._celery_otel_attempt: Attempt | None = None

    @property
    def attempt(self) -> Attempt:
        """The attempt that the hooks have made of it."""
        if self._celery_otel_attempt is None:
            raise RuntimeError("the hooks made no attempt of the request: see what they have logged")
        return self._celery_otel_attempt


def _headers(task_id: str, queue: str, number: int) -> dict[str, Any]:
    return {
        "delivery_info": {"exchange": "", "routing_key": queue, "priority": 0, "redelivered": False},
        "retries": 0,
        "replaced_task_nesting": 0,
        PUBLISHED_AT: repr(time.time()),
        **dict.fromkeys(("correlation_id", "root_id"), task_id),
        **dict.fromkeys(("parent_id", "group", "eta")),
        "traceparent": f"00-{number + 1:032x}-{number + 1:016x}-01",
    }


class InProcessWorker(AbstractContextManager["InProcessWorker"]):
    """One worker's telemetry, with metrics and all spans; what is exported is exported when it is asked for.

    Args:
        tasks: The names of its tasks.
        queues: Where its messages come from.
        errors: The names of the exceptions with which its attempts end; none where they succeed.
    """

    def __init__(self, tasks: Sequence[str], queues: Sequence[str] = ("celery",), errors: Sequence[str] = ()) -> None:
        self._tasks, self._queues = tasks, queues
        self._results = [(1, _failure(error), 0.001) for error in errors] or [_SUCCESS]
        self._done = 0
        app = Celery(SERVICE, broker="memory://", set_as_current=False)
        for name in tasks:
            # Not shared: every other application of this process would have it, too.
            app.task(_nothing, name=name, shared=False)
        _keep_alone(app, tasks)
        pool = SimpleNamespace(num_processes=2)
        worker = SimpleNamespace(app=app, hostname="growth@bench", pool_cls=TaskPool, pool=pool)
        settings = Settings.read({})
        spans = partial(SpanPipeline, settings, SERVICE, FailureLog())
        self._telemetry = WorkerTelemetry(worker, settings, lambda *_: _Nowhere(), spans)
        if self._telemetry.tracing is not None:
            # As in a worker whose event loop reads what children send.
            self._telemetry.tracing.attempts.collects = False

    def attempts(self, number: int) -> float:
        """CPU seconds that the hooks take for an attempt, the mean of so many: receipt, start, end, count and span."""
        requests = [self._request(self._done + index) for index in range(number)]
        results = [self._results[index % len(self._results)] for index in range(number)]
        self._done += number
        hooks = self._telemetry.hooks
        begin = time.thread_time()
        for request, result in zip(requests, results, strict=True):
            hooks.received(request)
            attempt = request.attempt
            hooks.started(attempt, 1, time.monotonic())
            hooks.reported(request, attempt, result)
        self._telemetry.ledger.post()
        return (time.thread_time() - begin) / number

    def read(self) -> Readings:
        """Every series of this moment."""
        return self._telemetry.read()

    def export(self, endpoint: str) -> float:
        """CPU seconds that one export takes, the median of some: reading, encoding and sending.

        Args:
            endpoint: A collector's OTLP/HTTP endpoint.
        """
        exporter = Exporter(self.read, "growth@bench", endpoint)
        return median(exporter.export() for _ in range(EXPORTS))

    def _request(self, number: int) -> Request:
        task, queue = self._tasks[number % len(self._tasks)], self._queues[number % len(self._queues)]
        return Request(task, queue, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._telemetry.close()


class Exporter:
    """Exports readings under a worker's name, as that worker does.

    Args:
        read: Gives the readings.
        name: The worker's name.
        endpoint: A collector's OTLP/HTTP endpoint.
    """

    def __init__(self, read: Any, name: str, endpoint: str) -> None:
        self._exporter = OTLPMetricExporter(endpoint=f"{endpoint}/v1/metrics")
        self._producer = MetricProducer(read, worker_resource(Settings.read({}), SERVICE, name), VERSION)

    def export(self) -> float:
        """CPU seconds of this thread that one export takes.

        Raises:
            RuntimeError: The collector did not take it.
        """
        begin = time.thread_time()
        if self._exporter.export(self._producer.produce()) is not MetricExportResult.SUCCESS:
            raise RuntimeError("the collector does not take the export: see its log")
        return time.thread_time() - begin

    def close(self) -> None:
        """Ends the connection."""
        self._exporter.shutdown()


def renamed(readings: Mapping[Metric, Mapping[Labels, Value]], name: str) -> Readings:
    """The same readings of a worker of another name."""
    return {
        metric: {_renamed(metric, labels, name): value for labels, value in series.items()}
        for metric, series in readings.items()
    }


def _renamed(metric: Metric, labels: Labels, name: str) -> Labels:
    pairs = zip(metric.labels, labels, strict=True)
    return tuple(name if key == "worker_name" else value for key, value in pairs)


def _keep_alone(app: Celery, tasks: Sequence[str]) -> None:
    """Leaves an application only these tasks of its own: others of this process share theirs with every application."""
    app.finalize()
    for name in [name for name in app.tasks if not name.startswith("celery.") and name not in tasks]:
        del app.tasks[name]


class _Nowhere:
    """A pipeline that exports nothing by itself."""

    def start(self) -> None:
        """The worker is ready."""

    def close(self, timeout: float) -> bool:  # noqa: ARG002  # as the others have it
        """The worker has stopped; nobody has taken anything."""
        return False


def _failure(name: str) -> ExceptionInfo:
    kind: type[Exception] = type(name, (Exception,), {})
    try:
        _raise(kind("as planned"))
    except kind:
        return ExceptionInfo()


def _raise(error: Exception) -> Never:
    raise error


def _nothing() -> None:
    """The body of every task."""
