"""Everything that celery-otel has in one worker's MAIN process: made when the worker is, closed when it ends."""

import atexit
import gc
import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial, wraps
from typing import Any, Protocol

from celery import signals
from celery.worker import strategy

from celery_otel import names
from celery_otel.core.births import KnownBirths
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.core.counts import Counts
from celery_otel.core.labels import BoundedLabel
from celery_otel.core.ledger import Ledger
from celery_otel.core.outcome import ReturnCause
from celery_otel.failures import FailureLog, HookFailures
from celery_otel.hooks.arrivals import Arrivals
from celery_otel.hooks.attempts import HOOKS, AttemptHooks
from celery_otel.hooks.child import CHILD_HOOKS
from celery_otel.hooks.children import ChildRestarts, forks
from celery_otel.hooks.consumer import ConsumerWatch, invalid_reason
from celery_otel.hooks.control import answered
from celery_otel.hooks.description import Description
from celery_otel.hooks.gauges import WorkerGauges
from celery_otel.hooks.installed import connected, patched
from celery_otel.hooks.queues import Queues
from celery_otel.hooks.request import request_class
from celery_otel.hooks.resources import NoResources, OpenResources, Resources
from celery_otel.hooks.result_backend import BackendWatch
from celery_otel.hooks.state import HOOK as STATE_HOOK
from celery_otel.hooks.state import NoState, OpenState
from celery_otel.hooks.worker_report import WorkerReport
from celery_otel.hooks.worker_tracing import OpenSpans, WorkerTracing
from celery_otel.metric import Labels, Metric, Value
from celery_otel.settings import CLOSE_TIMEOUT, Settings

OTHER_HOOKS = (
    "connected",
    "connection_lost",
    "control",
    "ledger",
    "ready",
    "request_class",
    "resources",
    "result_backend",
    "span",
    "undecodable",
    "unknown",
    *CHILD_HOOKS,
)
"""Values of the label `hook` beside the hooks of attempts."""

Reader = Callable[[], dict[Metric, dict[Labels, Value]]]


class Pipeline(Protocol):
    """What carries the readings away."""

    def start(self) -> None:
        """Begins to export; called when the pool has its first children, so that none inherits it."""

    def close(self, timeout: float) -> bool:
        """Exports a last time, for so many seconds at most, and ends; whether everyone it exports to took that."""


class WorkerTelemetry:
    """The telemetry of one worker.

    Args:
        worker: Celery's worker.
        settings: The options.
        open_pipeline: Makes the pipeline from the worker's name, what reads the series, what counts a failed export,
            and what tells when series begin.
        open_spans: Makes what carries the spans away; None where there are none.
        clock: Where the time comes from.
        open_state: Makes what keeps the counts, from the worker's name.
    """

    def __init__(
        self,
        worker: Any,
        settings: Settings,
        open_pipeline: Callable[[str, Reader, Callable[[str], None], KnownBirths], Pipeline],
        open_spans: OpenSpans | None = None,
        clock: Clock = SYSTEM_CLOCK,
        open_state: OpenState = lambda *_: NoState(),
    ) -> None:
        self._worker = worker
        self._settings = settings
        self._clock = clock
        self._pid = os.getpid()
        self._closed = False
        self._stack = ExitStack()
        self._log = FailureLog(clock)
        failures = HookFailures(self._count_hook_error, self._log)
        name = settings.worker_name or str(worker.hostname)
        self._state = open_state(name, clock)
        self.ledger, self._task_label, describe = self._books(name, failures)
        describe.forgets = open_spans is None
        self.arrivals = Arrivals(worker, self.ledger, clock)
        self._backend = BackendWatch(worker.app, self.arrivals.outlet, self._count_hook_error, clock)
        self.arrivals.samples = self._backend.take
        self.tracing = None if open_spans is None else self._traced(name, open_spans, describe)
        self.hooks = self._attempt_hooks(failures)
        self._resources: Resources = NoResources()
        self._gauges = WorkerGauges(worker, name, clock, lambda: self.ledger.held()[0])
        self._children = ChildRestarts(lambda: self.ledger.count(names.WORKER_CHILD_RESTARTS, name))
        self._pipeline = open_pipeline(name, self.read, self._count_export_failure, self._state.births)
        self._declare()
        self._state.complain_to(self._complain)
        self._install()
        self._share_with_children()

    def _books(self, name: str, failures: HookFailures) -> tuple[Ledger, BoundedLabel, Description]:
        """The ledger, the label of tasks, and what describes attempts by it."""
        settings, state = self._settings, self._state
        counts = Counts(settings.duration_buckets, settings.max_error_types, settings.max_model_types, state.tables())
        task_label = counts.bounded("task_name", settings.max_tasks, names.TASK_RECEIVED)
        queue_label = counts.bounded("queue_name", settings.max_queues, names.TASK_QUEUE_TIME)
        ledger = state.ledger(counts, name, self._clock)
        ledger.describe = describe = state.description(Queues(self._worker.app, queue_label), task_label)
        ledger.failed = partial(failures.take, "ledger")
        return ledger, task_label, describe

    def _traced(self, name: str, open_spans: OpenSpans, describe: Description) -> WorkerTracing:
        """What makes a span of each attempt that the ledger ends."""
        failed = self._count_export_failure
        tracing = WorkerTracing(self._worker, name, self._settings, self.arrivals, open_spans, describe, failed)
        self.ledger.ended_too = tracing.spans.recorder.ended
        tracing.spans.recorder.post = self.ledger.post
        self.ledger.read_too = tracing.spans.read
        return tracing

    def _attempt_hooks(self, failures: HookFailures) -> AttemptHooks:
        attempts = None if self.tracing is None else self.tracing.attempts
        hooks = AttemptHooks(self.ledger, attempts, failures, self._clock)
        if forks(self._worker):
            hooks.killed = self.arrivals.killed
        return hooks

    def read(self) -> dict[Metric, dict[Labels, Value]]:
        """Every series of this moment."""
        with self.hooks.failures.taken("run"):
            self.arrivals.settle()
        if self.tracing is not None:
            # The reading posts the journal: no hook will come back to the spans of what ended there.
            self.ledger.post()
            with self.hooks.failures.taken("span"):
                self.tracing.attempts.complete_many()
        with self.hooks.failures.taken(STATE_HOOK):
            self._state.tend()
        return {**self.ledger.read(), **self._gauges.read(), **self._resources.read(), **self._backend.read()}

    def watch_resources(self, open_resources: OpenResources) -> None:
        """Has the resources of its processes read from `ready` to `close`.

        Args:
            open_resources: Makes what reads them.
        """
        with self.hooks.failures.taken("resources"):
            self._resources = open_resources(self.ledger.worker, self.hooks.failures) or NoResources()

    def watch(self, consumer: Any) -> ConsumerWatch:
        """Watches a consumer of the worker."""
        watch = ConsumerWatch(consumer, self.ledger, self.hooks, self._gauges.beat, self._connected)
        self._stack.callback(watch.release)
        return watch

    def _connected(self, consumer: Any) -> None:
        reads = self.arrivals.connected(consumer, self.hooks.failures)
        if reads and self.tracing is not None:
            self.tracing.attempts.collects = False

    def ready(self) -> None:
        """The pool is up and the consumer connected."""
        with self.hooks.failures.taken("ready"):
            self._resources.start()
            self._pipeline.start()
            if self.tracing is not None:
                self.tracing.spans.start()

    def stopping(self) -> None:
        """The worker is going to stop: what it drops from now on goes back to the broker.

        Called from a signal handler: it must not wait for anything.
        """
        self.ledger.silent_cause = ReturnCause.SHUTDOWN

    def close(self) -> None:
        """The worker has stopped: gives back what it held and exports a last time. Nothing in a child, or twice."""
        if self._closed or os.getpid() != self._pid:
            return
        self._closed = True
        self.ledger.close()
        self._gauges.stopped = True
        deadline = self._clock.monotonic() + CLOSE_TIMEOUT
        if self.tracing is not None:
            # First, and for half of the time: the last metrics tell what became of the spans.
            self.tracing.close(CLOSE_TIMEOUT / 2)
        with self.hooks.failures.taken("run"):
            self.arrivals.close()
        with self.hooks.failures.taken("resources"):
            self._resources.close()
        delivered = self._pipeline.close(max(0.0, deadline - self._clock.monotonic()))
        with self.hooks.failures.taken(STATE_HOOK):
            self._state.close(delivered=delivered)
        self._stack.close()

    def _install(self) -> None:
        enter = self._stack.enter_context
        enter(patched(strategy, "create_request_cls", self._generating(strategy.create_request_cls)))
        enter(connected(signals.task_unknown, self._on_unknown))
        enter(connected(signals.task_rejected, self._on_rejected))
        enter(connected(signals.worker_before_create_process, self._on_child))
        enter(connected(signals.worker_shutting_down, self._on_shutting_down))
        enter(connected(signals.worker_shutdown, self._on_shutdown))
        report = WorkerReport(self._worker, self.ledger, self._clock)
        enter(answered(self._worker, report, partial(self.hooks.failures.take, "control")))
        self._stack.callback(self._children.release)
        self._stack.callback(self._backend.close)
        # A cold shutdown and a crash of MAIN send no signal: the end of the process is the last chance.
        atexit.register(self.close)
        self._stack.callback(atexit.unregister, self.close)

    def _share_with_children(self) -> None:
        """Keeps what is loaded by now, exporters included, out of the garbage collector's sight.

        It would write into every object, and each child would end up with a copy of its own.
        """
        if forks(self._worker):
            gc.freeze()
            self._stack.callback(gc.unfreeze)

    def _generating(self, generate: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(generate)
        def create_request_cls(base: Any, task: Any, pool: Any, hostname: str, *args: Any, **kwargs: Any) -> Any:
            generated = generate(base, task, pool, hostname, *args, **kwargs)
            mine = kwargs.get("app", task.app) is self._worker.app and hostname == self._worker.hostname
            if not mine or self._settings.excludes(task.name):
                return generated
            return self._with_attempts(generated, pool, task)

        return create_request_cls

    def _with_attempts(self, generated: Any, pool: Any, task: Any) -> Any:
        try:
            return request_class(generated, self.hooks, pool, str(task.name))
        except Exception as error:  # noqa: BLE001  # whatever it is, the task runs without us
            self.hooks.failures.take("request_class", error)
            return generated

    def _on_unknown(self, sender: Any = None, message: Any = None, **signal: Any) -> None:
        if sender.app is not self._worker.app:
            return
        self.hooks.unknown()
        if self.tracing is not None:
            with self.hooks.failures.taken("unknown"):
                self.tracing.attempts.unknown(message, str(signal["name"]), str(signal["id"]), self._clock.wall())

    def _on_rejected(self, sender: Any = None, exc: Exception | None = None, **_: Any) -> None:
        if sender.app is self._worker.app:
            self.hooks.invalid(invalid_reason(exc))

    def _on_child(self, sender: Any = None, **_: Any) -> None:
        self._children.created(sender)

    def _on_shutting_down(self, **_: Any) -> None:
        self.stopping()

    def _on_shutdown(self, sender: Any = None, **_: Any) -> None:
        if sender is self._worker:
            self.close()

    def _declare(self) -> None:
        own = sorted(task for task in self._worker.app.tasks if not task.startswith("celery."))
        self.ledger.declare(self._task_label(task) for task in own if not self._settings.excludes(task))
        self.ledger.count(names.WORKER_CHILD_RESTARTS, self.ledger.worker, amount=0)
        for hook in (*HOOKS, *OTHER_HOOKS, *self._state.hooks):
            self.ledger.count(names.CELERY_OTEL_HOOK_ERRORS, hook, amount=0)
        for exporter in self._settings.exporters:
            self.ledger.count(names.CELERY_OTEL_EXPORT_FAILURES, exporter, amount=0)

    def _count_hook_error(self, hook: str) -> None:
        self.ledger.count(names.CELERY_OTEL_HOOK_ERRORS, hook)

    def _complain(self, complaint: str) -> None:
        self._count_hook_error(STATE_HOOK)
        # Each has a minute of its own: the last one, at the end, is not silent because of the one before.
        self._log.tell(complaint, complaint)

    def _count_export_failure(self, exporter: str) -> None:
        self.ledger.count(names.CELERY_OTEL_EXPORT_FAILURES, exporter)
