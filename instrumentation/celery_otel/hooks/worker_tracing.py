"""What tracing needs in a worker's MAIN process: the way from the children, their hooks, and the spans of attempts."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Protocol

from celery_otel import attributes, names
from celery_otel.core.attempt import Attempt
from celery_otel.core.ledger import Ledger
from celery_otel.core.span import Attributes
from celery_otel.failures import HookFailures
from celery_otel.hooks.broker import broker_of
from celery_otel.hooks.carrier import carrier_for
from celery_otel.hooks.child import CHILD_HOOKS, ChildTracing
from celery_otel.hooks.task_logs import TaskLogs
from celery_otel.hooks.tracing import AttemptTracing, Identities, Recorder, Shape
from celery_otel.metric import Labels, Metric, Value
from celery_otel.relay import LOSSES
from celery_otel.relay_record import Record
from celery_otel.relay_span import DEFAULT_LIMITS, SpanLimits
from celery_otel.settings import Settings


class Spans(Protocol):
    """Carries the spans away."""

    @property
    def identities(self) -> Identities:
        """Decides who a span is."""

    @property
    def recorder(self) -> Recorder:
        """Makes the spans of attempts that end."""

    def read(self) -> dict[Metric, dict[Labels, Value]]:
        """What became of the spans so far."""

    def take(self, span: Any) -> None:
        """Takes a span that somebody else has made in this process."""

    def start(self) -> None:
        """Begins to export."""

    def close(self, timeout: float) -> None:
        """Exports what is left, for so many seconds at most, and ends."""


_SHAPES = 2000
OpenSpans = Callable[[str, Shape, Callable[[], Iterable[Record]], Callable[[str], None]], Spans]
"""Makes it from the worker's name, the shape of its spans, what drains the relay, and what counts a failed request."""


class WorkerTracing:
    """The tracing of one worker.

    Args:
        worker: Celery's worker.
        name: The worker's name on spans.
        settings: The options.
        ledger: Where losses are counted.
        open_spans: Makes what carries the spans away.
        describe: Reads the headers of an attempt.
        failed: Called with the exporter's name for each request that fails.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # what a worker has
        self,
        worker: Any,
        name: str,
        settings: Settings,
        ledger: Ledger,
        open_spans: OpenSpans,
        describe: Callable[[Attempt], None],
        failed: Callable[[str], None],
    ) -> None:
        self._ledger = ledger
        self._stack = ExitStack()
        self._hub: Any = None
        self._carrier = carrier_for(worker.pool_cls, self._noted)
        # Asked for at every receipt; the labels are bounded, and so is this.
        shape = lru_cache(maxsize=_SHAPES)(partial(_shape, _constant(worker, name)))
        self.spans = open_spans(name, shape, self._carrier.drain, failed)
        self.attempts = AttemptTracing(
            self.spans.identities,
            shape,
            self.spans.recorder,
            describe,
            content=settings.capture_content,
            children=_pool_of(worker) == "prefork",
        )
        # Before the pool's children are forked: they inherit both.
        self._stack.callback(self._carrier.close)
        self._stack.callback(self._stop_reading)
        self._stack.enter_context(ChildTracing(self._carrier, limits_of(settings), hostname=str(worker.hostname)))
        if settings.log_correlation:
            self._stack.enter_context(TaskLogs(settings.service_name or str(worker.app.main or "celery")))
        for loss in LOSSES:
            ledger.count(names.CELERY_OTEL_RELAY_LOSSES, loss, amount=0)

    def connected(self, consumer: Any, failures: HookFailures) -> None:
        """A connection is there: MAIN's event loop reads what children send as it comes.

        Args:
            consumer: Celery's consumer, whose event loop begins anew with each connection.
            failures: Takes what goes wrong then.
        """
        descriptor = self._carrier.fileno()
        if consumer.hub is None or descriptor is None:
            return
        consumer.hub.add_reader(descriptor, self._collect, failures)
        self._hub = consumer.hub
        self.attempts.collects = False

    def close(self, timeout: float) -> None:
        """Exports what is left, for so many seconds at most, and takes everything back."""
        self.spans.close(timeout)
        self._stack.close()

    def _stop_reading(self) -> None:
        if self._hub is not None:
            self._hub.remove(self._carrier.fileno())
            self._hub = None
        self.attempts.collects = True

    def _collect(self, failures: HookFailures) -> None:
        # The event loop passes on what its callbacks raise: that would be the end of the worker.
        with failures.taken("span"):
            self.attempts.collect()

    def _noted(self, what: str, number: int) -> None:
        if what in LOSSES:
            self._ledger.count(names.CELERY_OTEL_RELAY_LOSSES, what, amount=number)
        elif what in CHILD_HOOKS:
            self._ledger.count(names.CELERY_OTEL_HOOK_ERRORS, what, amount=number)


def limits_of(settings: Settings) -> SpanLimits:
    """How much a span holds, by the standard variables; the general ones where there is none of its own."""
    general = DEFAULT_LIMITS.attributes if settings.attribute_count_limit is None else settings.attribute_count_limit
    given = {
        "attributes": settings.span_attribute_count_limit,
        "events": settings.span_event_count_limit,
        "links": settings.span_link_count_limit,
        "event_attributes": settings.event_attribute_count_limit,
        "link_attributes": settings.link_attribute_count_limit,
        "value_length": settings.attribute_value_length_limit,
        "span_value_length": settings.span_attribute_value_length_limit,
    }
    limits = SpanLimits(attributes=general, event_attributes=general, link_attributes=general)
    return replace(limits, **{name: limit for name, limit in given.items() if limit is not None})


def _constant(worker: Any, name: str) -> dict[str, str]:
    """What is the same for every span of the worker."""
    return {
        attributes.SYSTEM: broker_of(worker.app.connection_for_read()).system,
        attributes.OPERATION_NAME: "process",
        attributes.OPERATION_TYPE: "process",
        attributes.WORKER_NAME: name,
        attributes.WORKER_POOL: _pool_of(worker),
        attributes.UPSTREAM_ACTION: "run",
        attributes.UPSTREAM_HOSTNAME: name,
    }


def _pool_of(worker: Any) -> str:
    """The kind of its pool, by the name of Celery's module."""
    return str(worker.pool_cls.__module__).rpartition(".")[2]


def _shape(constant: Attributes, task: str, queue: str) -> tuple[str, Attributes]:
    own = {
        attributes.DESTINATION_NAME: queue,
        attributes.TASK_NAME: task,
        attributes.UPSTREAM_TASK_NAME: task,
    }
    return f"process {task}", {**constant, **own}
