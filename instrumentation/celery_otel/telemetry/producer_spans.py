"""The spans of publishing, and what a message carries of them."""

from collections.abc import Callable, Iterable, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Tracer as SdkTracer
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from celery_otel import attributes
from celery_otel.core.labels import MAX_LENGTH
from celery_otel.core.publication import Publication
from celery_otel.telemetry.drawn_ids import DrawnIds, Ids
from celery_otel.telemetry.exception_event import NAME, exception_attributes
from celery_otel.version import VERSION

SCHEMA = Schemas.V1_44_0.value
"""The version of the semantic conventions that the attributes' names are from."""
RETRY_EVENT = "celery.publish.retry"
"""The event of a span each time that publishing is tried again."""
MAX_DRAWN = 1000
"""For how many tasks that are not published yet ids are kept; the oldest are forgotten first."""
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
        self._ids = _drawn_ids(tracer)
        self._drawn: dict[str, Ids] = {}

    def draw(self, task_id: str, task: str) -> str:
        """Says which span will publish a task, which is published next; empty if that cannot be said.

        Args:
            task_id: The task's id.
            task: Its name.

        Returns:
            The span as a W3C traceparent.
        """
        ambient = trace.get_current_span().get_span_context()
        if self._ids is None or self._new_trace(task) or (ambient.is_valid and not ambient.trace_flags.sampled):
            return ""
        trace_id = ambient.trace_id if ambient.is_valid else self._ids.generate_trace_id()
        ids = self._drawn[task_id] = trace_id, self._ids.generate_span_id()
        if len(self._drawn) > MAX_DRAWN:
            self._drawn.pop(next(iter(self._drawn)), None)
        return f"00-{ids[0]:032x}-{ids[1]:016x}-01"

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
        with self._drawn_for(publication.task_id, context):
            span = self._tracer.start_span(
                clipped(f"send {publication.queue}".rstrip()),
                context=context,
                kind=SpanKind.PRODUCER,
                attributes=dict(span_attributes(publication)),
                links=links,
                start_time=start,
            )
        return ProducerSpan(span, trace.set_span_in_context(span, context), content=self._content)

    def _drawn_for(self, task_id: str, context: Context) -> AbstractContextManager[None]:
        ids = self._drawn.pop(task_id, None)
        if self._ids is None or ids is None:
            return nullcontext()
        parent = trace.get_current_span(context).get_span_context()
        # Drawn for another trace than the one it is published in after all.
        return self._ids.used(ids) if not parent.is_valid or parent.trace_id == ids[0] else nullcontext()

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


def _drawn_ids(tracer: Tracer) -> DrawnIds | None:
    """What gives this tracer's spans their ids; the tracer is ours alone. None for one that makes no spans."""
    if not isinstance(tracer, SdkTracer):
        return None
    if not isinstance(tracer.id_generator, DrawnIds):
        tracer.id_generator = DrawnIds(tracer.id_generator)
    return tracer.id_generator


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
    if len(text) <= MAX_LENGTH and text.isascii():
        return text
    return text[:MAX_LENGTH].encode("utf-8", "replace").decode()
