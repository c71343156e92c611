"""The spans of publishing, and what a message carries of them."""

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from celery_otel import attributes
from celery_otel.core.labels import MAX_LENGTH
from celery_otel.core.publication import Publication
from celery_otel.telemetry.exception_event import NAME, exception_attributes
from celery_otel.version import VERSION

SCHEMA = Schemas.V1_44_0.value
"""The version of the semantic conventions that the attributes' names are from."""
RETRY_EVENT = "celery.publish.retry"
"""The event of a span each time that publishing is tried again."""
Value = str | int


_W3C = TraceContextTextMapPropagator()
_W3C_FIELDS = ("traceparent", "tracestate")


def tracer_of(provider: trace.TracerProvider | None = None) -> Tracer:
    """The tracer of producer spans; without a provider, that of the global one."""
    return trace.get_tracer("celery_otel", VERSION, provider, SCHEMA)


class ProducerSpan:
    """A span that is open, and current, while a message is published.

    Args:
        span: The span.
        context: What is current until it ends.
        content: Whether what exceptions say may be told.
    """

    def __init__(self, span: Span, context: Context, *, content: bool) -> None:
        self._span = span
        self._content = content
        self._retries = 0
        self._token = otel_context.attach(context)

    def retried(self, error: BaseException) -> None:
        """Publishing failed and is going to be tried again."""
        self._retries += 1
        self._span.add_event(RETRY_EVENT, {attributes.ERROR_TYPE: type(error).__name__})

    def failed(self, error: BaseException) -> None:
        """Publishing failed for good."""
        if self._span.is_recording():
            self._span.set_attribute(attributes.ERROR_TYPE, type(error).__name__)
            self._span.add_event(NAME, exception_attributes(error, content=self._content))
            self._span.set_status(Status(StatusCode.ERROR, str(error) if self._content else None))

    def end(self) -> None:
        """Publishing is over; what was current before is current again."""
        otel_context.detach(self._token)
        if self._retries:
            self._span.set_attribute(attributes.PUBLISH_RETRIES, self._retries)
        self._span.end()


class ProducerSpans:
    """Opens the spans of one application.

    Args:
        tracer: Makes them.
        new_trace: Whether publishing a task begins a new trace.
        content: Whether what exceptions say may be told.
    """

    def __init__(self, tracer: Tracer, new_trace: Callable[[str], bool], *, content: bool) -> None:
        self._tracer = tracer
        self._new_trace = new_trace
        self._content = content

    def open(self, publication: Publication, start: int, attempt: tuple[str, str] | None = None) -> ProducerSpan:
        """Begins a span and makes it the current one.

        Args:
            publication: What is published.
            start: When the publisher called, in nanoseconds since the epoch.
            attempt: For a retry, traceparent and tracestate of the attempt that publishes it: the parent where nothing
                is current, as in a worker's main process.
        """
        ambient = trace.get_current_span().get_span_context()
        context, links = otel_context.get_current(), []
        if self._new_trace(publication.task):
            context = trace.set_span_in_context(trace.INVALID_SPAN, context)
            links = [Link(ambient, {attributes.LINK: "publisher"})] if ambient.is_valid else []
        elif not ambient.is_valid and attempt is not None:
            context = _W3C.extract(dict(zip(_W3C_FIELDS, attempt, strict=True)), context)
        span = self._tracer.start_span(
            clipped(f"send {publication.queue}".rstrip()),
            context=context,
            kind=SpanKind.PRODUCER,
            attributes=dict(span_attributes(publication)),
            links=links,
            start_time=start,
        )
        return ProducerSpan(span, trace.set_span_in_context(span, context), content=self._content)

    def inject(self, headers: MutableMapping[str, Any]) -> None:
        """Puts the current span into a message, over what a retry's message has from the attempt before."""
        if not trace.get_current_span().get_span_context().is_valid:
            return
        for field in propagate.get_global_textmap().fields:
            headers.pop(field, None)
        propagate.inject(headers)

    def current(self) -> str:
        """The current span as a W3C traceparent; empty if there is none."""
        context = trace.get_current_span().get_span_context()
        return traceparent(context) if context.is_valid else ""


def traceparent(context: SpanContext) -> str:
    """A span in the W3C notation: version, trace, span, flags."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def span_attributes(publication: Publication) -> Iterable[tuple[str, Value]]:
    """The attributes that are known when a span begins: those of which something is known."""
    broker, route = publication.broker, publication.routing_key
    kind = {"direct": "queue", "topic": "topic"}.get(publication.exchange_type, "")
    found: dict[str, Value] = {
        attributes.SYSTEM: broker.system,
        attributes.OPERATION_NAME: "send",
        attributes.OPERATION_TYPE: "send",
        attributes.DESTINATION_NAME: publication.queue,
        attributes.MESSAGE_ID: publication.task_id,
        attributes.CONVERSATION_ID: publication.correlation_id,
        attributes.SERVER_ADDRESS: broker.address,
        attributes.SERVER_PORT: broker.port or "",
        attributes.TASK_NAME: publication.task,
        attributes.TASK_RETRIES: publication.retries,
        attributes.TASK_ETA: publication.eta,
        attributes.MESSAGE_BODY_SIZE: "" if publication.size is None else publication.size,
        attributes.RABBITMQ_DESTINATION_ROUTING_KEY: route if broker.system == "rabbitmq" else "",
        attributes.UPSTREAM_ACTION: "apply_async",
        attributes.UPSTREAM_TASK_NAME: publication.task,
        attributes.UPSTREAM_DESTINATION: route,
        attributes.UPSTREAM_DESTINATION_KIND: kind,
        attributes.UPSTREAM_EXCHANGE: publication.exchange,
    }
    return ((key, clipped(value) if isinstance(value, str) else value) for key, value in found.items() if value != "")


def clipped(text: str) -> str:
    """A text of bounded length, which every exporter can encode: names and ids come from whoever publishes."""
    return text[:MAX_LENGTH].encode("utf-8", "replace").decode()
