"""What tracing needs in a worker's MAIN process: the hooks of the children, and the spans of attempts."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Protocol

from celery_otel import attributes
from celery_otel.core.attempt import Attempt
from celery_otel.core.span import Attributes
from celery_otel.hooks.arrivals import Arrivals
from celery_otel.hooks.broker import broker_of
from celery_otel.hooks.child import ChildTracing
from celery_otel.hooks.task_logs import TaskLogs
from celery_otel.hooks.tracing import AttemptTracing, Identities, Recorder, Shape
from celery_otel.metric import Labels, Metric, Value
from celery_otel.relay_record import Record
from celery_otel.settings import Settings
from celery_otel.span_limits import DEFAULT_LIMITS, SpanLimits


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
        arrivals: What comes from its tasks.
        open_spans: Makes what carries the spans away.
        describe: Reads the headers of an attempt.
        failed: Called with the exporter's name for each request that fails.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # what a worker has
        self,
        worker: Any,
        name: str,
        settings: Settings,
        arrivals: Arrivals,
        open_spans: OpenSpans,
        describe: Callable[[Attempt], None],
        failed: Callable[[str], None],
    ) -> None:
        self._stack = ExitStack()
        # Asked for at every receipt; the labels are bounded, and so is this.
        shape = lru_cache(maxsize=_SHAPES)(partial(_shape, _constant(worker, name)))
        self.spans = open_spans(name, shape, arrivals.drain, failed)
        forks = _pool_of(worker) == "prefork"
        self.attempts = AttemptTracing(
            self.spans.identities,
            shape,
            self.spans.recorder,
            describe,
            content=settings.capture_content,
            children=forks,
        )
        arrivals.collect = self.attempts.collect
        self.spans.recorder.prepare = arrivals.pump
        # Before the pool's children are forked: they inherit it.
        post = arrivals.post if forks else None
        hostname = str(worker.hostname)
        self._stack.enter_context(ChildTracing(arrivals.outlet, limits_of(settings), hostname=hostname, post=post))
        if settings.log_correlation:
            self._stack.enter_context(TaskLogs(settings.service_name or str(worker.app.main or "celery")))

    def close(self, timeout: float) -> None:
        """Exports what is left, for so many seconds at most, and takes everything back."""
        self.spans.close(timeout)
        self._stack.close()


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
