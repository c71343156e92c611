"""The process that runs the tasks: each task runs inside its attempt's span, and what it sets on that is sent to MAIN.

Installed in MAIN before the pool forks. In the pools without processes the same hooks run in MAIN itself, where many
tasks interleave: what belongs to one is kept by what runs it, and OpenTelemetry's context is one for each thread or
greenlet. A child that dies in between takes it all with it; MAIN tells the rest.
"""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

from celery import signals
from opentelemetry import context as otel
from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

from celery_otel.failures import FailureLog, HookFailures
from celery_otel.harmless import HOOK as RUN
from celery_otel.header_lines import header_lines
from celery_otel.hooks import current
from celery_otel.hooks.installed import connected
from celery_otel.hooks.stamp import Stamp, found_stamp
from celery_otel.hooks.tracers import Tracer, Tracers
from celery_otel.relay import Outlet
from celery_otel.relay_record import Record
from celery_otel.relay_span import RelaySpan, UnsampledSpan
from celery_otel.span_limits import DEFAULT_LIMITS, SpanLimits
from celery_otel.stamps import TRACEPARENT
from celery_otel.task_context import TaskContext
from celery_otel.untrusted import encodable
from celery_otel.workplace import TASK, Post, RunningTask

CHILD_HOOKS = ("task_prerun", "task_postrun", RUN)
"""The names of the hooks where tasks run: values of the label `hook`, noted on the relay when one fails in a child."""

_SPAN_FIELDS = {"traceparent", "tracestate"}
(_SPAN,) = set_span_in_context(INVALID_SPAN, Context())
"""Where a context keeps its span."""
_LENGTH = dict.__len__
"""Tells of a task's context whether anybody has looked into it: its own length would be that of its content."""


class ChildTracing:
    """The current span of tasks, installed while it is entered.

    Args:
        carrier: Takes the records to MAIN; None in a process that inherited none, which is said once.
        limits: How much a span holds.
        hostname: The worker's node name, so that two workers in one process keep apart; None: tasks of any.
        app: The application, where its tasks are ready to run already.
        post: Where the task that runs is noted, for threads that it starts; None where several run at once.
        log: Where failures are logged. One of its own: MAIN's other threads could hold the lock of a shared one while
            a child is forked, where it would then never be released.
    """

    def __init__(
        self,
        carrier: Outlet | None,
        limits: SpanLimits = DEFAULT_LIMITS,
        *,
        hostname: str | None = None,
        app: Any = None,
        post: Post | None = None,
        log: FailureLog | None = None,
    ) -> None:
        self._carrier = carrier
        self._limits = limits
        self._hostname = hostname
        self._post = post
        # Around the user's own handlers: those find the task's span, too, and what they attach is taken off before.
        self._tracers = Tracers(self._around, app=app, workers=True)
        self._log = log or FailureLog()
        # Through the relay, since the counts that are exported are in MAIN.
        self._failures = HookFailures(self._note, self._log)
        self._said = False
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._tracers)
        self._stack.enter_context(connected(signals.worker_process_shutdown, self._leave))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _around(self, tracer: Tracer, _: Any, eager: bool) -> Tracer | None:  # noqa: FBT001  # called by position alone
        if eager:
            return None

        begin, finish = self._begin, self._finish
        attach, detach = current.steps()

        def trace(uuid: Any, args: Any, kwargs: Any, request: Any = None) -> Any:
            context = begin(request)
            if context is None:
                return tracer(uuid, args, kwargs, request)
            token = attach(context)
            try:
                return tracer(uuid, args, kwargs, request)
            finally:
                detach(token)
                finish(context)

        return trace

    def _begin(self, request: Any) -> TaskContext | None:
        """The context of a task; None for one that is not ours, or has no usable stamp."""
        try:
            if self._hostname is not None and request.get("hostname") != self._hostname:
                return None
            if request.get(TRACEPARENT) is None:
                return None
            context = TaskContext()
            context.make, context.request, context.pid = self._content, request, os.getpid()
            if self._carrier is None:
                self._say_that_it_is_lost()
            if self._post is not None:
                self._post.context = context
        except Exception as error:  # noqa: BLE001  # whatever it is, it is ours and must not reach the task
            self._failures.take("task_prerun", error)
            return None
        return context

    def _content(self, context: TaskContext) -> Context:
        """What is in the context of a task: its span, the way to its worker, and what came with its message."""
        try:
            received = _received_context(context.request, self._log)
            found = found_stamp(context.request)
            if found is None:
                return received
            stamp = Stamp(found, context.request)
            span = RelaySpan(stamp.context, self._limits) if stamp.sampled else UnsampledSpan(stamp.context)
            if context.over and isinstance(span, RelaySpan):
                span.finish()
            task = RunningTask(span, self._carrier, context.pid)
            return Context({**received, _SPAN: span, TASK: task})
        except Exception as error:  # noqa: BLE001  # whatever it is, it is ours and must not reach the task
            self._failures.take("task_prerun", error)
            return Context()

    def _finish(self, context: TaskContext) -> None:
        try:
            context.over = True
            # The most frequent case, and the one that shall cost nothing.
            if not _LENGTH(context) and (self._carrier is None or not self._carrier.untold):
                return
            record = None if context.content is None else _said(context.content)
            if self._carrier is None or context.pid != os.getpid():
                return
            if record is None:
                self._carrier.tell()
                return
            self._carrier.send(record)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is ours and must not reach the task
            self._failures.take("task_postrun", error)

    def _leave(self, **_: Any) -> None:
        """A child ends in peace: what it counted is told."""
        if self._carrier is not None:
            self._carrier.tell()

    def _note(self, what: str) -> None:
        if self._carrier is not None:
            self._carrier.note(what)

    def _say_that_it_is_lost(self) -> None:
        if self._said:
            return
        self._said = True
        self._log.tell(
            "relay",
            "celery-otel has no way from this process to its worker, because the pool does not fork its children: what "
            "tasks set on their span is lost. Their ids are right all the same. "
            "Use worker_pool_start_method='fork' to keep it.",
        )


def _said(content: Context) -> Record | None:
    """What a task has set on its span, which ends with this."""
    span = content.get(_SPAN)
    return span.finish() if isinstance(span, RelaySpan) else None


@lru_cache(maxsize=1)
def _other_fields(propagator: TextMapPropagator) -> frozenset[str]:
    """The headers that a propagator reads besides those of the span."""
    return frozenset(propagator.fields - _SPAN_FIELDS)


def _received_context(request: Mapping[str, Any], log: FailureLog) -> Context:
    """What came with the message besides the span: baggage, above all. Empty, whatever a task before it left."""
    propagator = propagate.get_global_textmap()
    received: Mapping[str, Any] = request.get("headers") or {}
    others = _other_fields(propagator)
    if others.isdisjoint(request) and others.isdisjoint(received):
        return Context()
    headers = {**received, **request}
    texts = {key: encodable(text) for key, text in headers.items() if isinstance(text, str)}
    # What is logged meanwhile asks for the current span, and must not ask for the one that is being made here.
    token = otel.attach(Context())
    try:
        with header_lines(log):
            return propagator.extract(texts, Context())
    finally:
        otel.detach(token)
