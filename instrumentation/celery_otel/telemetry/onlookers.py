"""The span processors of the user's own tracer provider, which see the spans of attempts too.

Those that export do not: these spans are exported by us, and would arrive twice.
"""

from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from celery_otel import attributes
from celery_otel.core.span import Attributes, FinishedSpan, SpanIdentity
from celery_otel.failures import FailureLog
from celery_otel.telemetry.producer import NANOSECONDS
from celery_otel.telemetry.span_encoder import Shape
from celery_otel.telemetry.tracing import ProcessTracerProvider

_EXPORTING = (BatchSpanProcessor, SimpleSpanProcessor)


def onlookers() -> tuple[SpanProcessor, ...]:
    """The processors of the global provider, if that is the user's, that do not export."""
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider) or isinstance(provider, ProcessTracerProvider):
        return ()
    # The SDK has no public way to the processors that were added to a provider.
    added = getattr(getattr(provider, "_active_span_processor", None), "_span_processors", ())
    return tuple(processor for processor in added if not isinstance(processor, _EXPORTING))


class Onlookers:
    """Shows spans of attempts to processors.

    Args:
        processors: Who sees them; only their `on_end` is called, since the spans begin and end at once.
        shape: Gives what is the same for every attempt of a task and queue.
        resource: What the spans are about.
        scope: What made them.
        log: Where it is logged that a processor raised.
    """

    def __init__(
        self,
        processors: tuple[SpanProcessor, ...],
        shape: Shape,
        resource: Resource,
        scope: InstrumentationScope,
        log: FailureLog,
    ) -> None:
        self._processors = processors
        self._shape = shape
        self._resource = resource
        self._scope = scope
        self._log = log

    def show(self, span: FinishedSpan) -> None:
        """Shows a span. What a processor raises is logged, and costs nobody a span."""
        if not self._processors:
            return
        readable = self._readable(span)
        for processor in self._processors:
            try:
                processor.on_end(readable)
            except Exception as error:  # noqa: BLE001  # whatever it is, the span goes on its way
                self._log.tell("processor", f"The span processor {processor!r} failed with the span of a task.", error)

    def _readable(self, span: FinishedSpan) -> ReadableSpan:
        name, constant = self._shape(span.task, span.queue)
        said = span.said
        return ReadableSpan(
            said.get("name", name),
            _context(span.identity),
            _parent(span.identity),
            self._resource,
            {**constant, **_own(span), **said.get("attributes", {})},
            [Event(event["name"], event.get("attributes"), event["time"]) for event in said.get("events", ())],
            [Link(_remote(link.trace_id, link.span_id), link.attributes) for link in span.identity.links],
            SpanKind.CONSUMER,
            status=_status(span),
            start_time=int(span.start * NANOSECONDS),
            end_time=int(span.end * NANOSECONDS),
            instrumentation_scope=self._scope,
        )


def _own(span: FinishedSpan) -> Attributes:
    error: Mapping[str, str] = {attributes.ERROR_TYPE: span.error_type} if span.error_type else {}
    return {**span.attributes, **dict(span.shared), **span.identity.attributes, **error}


def _status(span: FinishedSpan) -> Status:
    if span.error_type:
        return Status(StatusCode.ERROR)
    said = span.said.get("status")
    return Status(StatusCode[said["code"]], said.get("description") or None) if said else Status()


def _context(identity: SpanIdentity) -> SpanContext:
    state = TraceState.from_header([identity.trace_state]) if identity.trace_state else None
    flags = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(identity.trace_id, identity.span_id, is_remote=False, trace_flags=flags, trace_state=state)


def _parent(identity: SpanIdentity) -> SpanContext | None:
    return _remote(identity.trace_id, identity.parent_id) if identity.parent_id else None


def _remote(trace_id: int, span_id: int) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
