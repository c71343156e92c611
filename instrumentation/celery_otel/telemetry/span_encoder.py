"""Encodes the spans of attempts as OTLP protobuf.

The exporters' own encoder takes span objects and encodes each whole. Here what is the same for every attempt of a task
and queue is encoded once: protobuf messages may be concatenated, repeated fields add up, and the last scalar wins
(https://protobuf.dev/programming-guides/encoding/#last-one-wins). That and bytes that can wait cheaply for a collector
are what MAIN's share of a task's time depends on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

from celery_otel.attributes import ERROR_TYPE
from celery_otel.core.span import Attributes, FinishedSpan, Raised, SpanLink

NANOSECONDS = 1_000_000_000
#: Flags: it is known where the other span is, here or in another process.
_LOCAL, _REMOTE = 0x100, 0x300
_STATUS = {"OK": Status.StatusCode.STATUS_CODE_OK, "ERROR": Status.StatusCode.STATUS_CODE_ERROR}
_MAX_SHAPES = 2000
_SOME_CONTEXT = SpanContext(1, 1, is_remote=False)

Shape = Callable[[str, str], tuple[str, Attributes]]
"""Gives the name and the constant attributes of the spans of a task and queue."""


class SpanEncoder:
    """Encodes finished spans.

    Args:
        shape: Gives what is the same for every attempt of a task and queue.
    """

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._shapes: dict[tuple[str, str], tuple[bytes, frozenset[str]]] = {}

    def encode(self, span: FinishedSpan) -> bytes:
        """The span as the bytes of an OTLP `Span`."""
        constant, keys = self._constant(span.task, span.queue)
        attributes = {**span.attributes, **span.identity.attributes, **span.said.get("attributes", {})}
        if span.error_type:
            # Whatever the task said before: this is the value that is on the metrics.
            attributes[ERROR_TYPE] = span.error_type
        if not keys.isdisjoint(attributes):
            # The user speaks of the same things: theirs counts, and no key may stand twice.
            name, known = self._shape(span.task, span.queue)
            constant = _span(name, {key: known[key] for key in known if key not in attributes})
        return constant + _serialized(_variable(span, attributes))

    def _constant(self, task: str, queue: str) -> tuple[bytes, frozenset[str]]:
        found = self._shapes.get((task, queue))
        if found is not None:
            return found
        name, attributes = self._shape(task, queue)
        made = _span(name, attributes), frozenset(attributes)
        if len(self._shapes) < _MAX_SHAPES:
            self._shapes[task, queue] = made
        return made


def _span(name: str, attributes: Attributes) -> bytes:
    return _serialized(Span(name=_text(name), kind=Span.SpanKind.SPAN_KIND_CONSUMER, attributes=pairs(attributes)))


def _serialized(message: Message) -> bytes:
    data: bytes = message.SerializeToString()
    return data


def _variable(span: FinishedSpan, attributes: Attributes) -> Span:
    identity = span.identity
    message = Span(
        trace_id=identity.trace_id.to_bytes(16),
        span_id=identity.span_id.to_bytes(8),
        trace_state=identity.trace_state,
        start_time_unix_nano=int(span.start * NANOSECONDS),
        end_time_unix_nano=int(max(span.start, span.end) * NANOSECONDS),
        attributes=pairs(attributes),
        flags=(_REMOTE if identity.parent_id else _LOCAL) | identity.sampled,
    )
    if identity.parent_id:
        message.parent_span_id = identity.parent_id.to_bytes(8)
    if identity.links:
        message.links.extend(map(_link, identity.links))
    if span.raised is not None:
        message.events.append(_exception(span.raised, message.end_time_unix_nano))
    if span.said:
        _add_said(message, span.said)
    if span.error_type:
        message.status.code = Status.StatusCode.STATUS_CODE_ERROR
    return message


def _add_said(message: Span, said: Mapping[str, Any]) -> None:
    """Adds what user code set, beside its attributes."""
    if "name" in said:
        message.name = _text(said["name"])
    for event in said.get("events", ()):
        message.events.append(_event(event))
    message.links.extend(map(_link_said, said.get("links", ())))
    for kind in ("attributes", "events", "links"):
        lost = said.get("dropped", {}).get(kind, 0) + said.get("cut", {}).get(kind, 0)
        setattr(message, f"dropped_{kind}_count", lost)
    status = said.get("status")
    if status:
        message.status.code = _STATUS[status["code"]]
        message.status.message = _text(status.get("description") or "")


def _event(event: Mapping[str, Any]) -> Span.Event:
    return Span.Event(
        name=_text(event["name"]),
        time_unix_nano=event["time"],
        attributes=pairs(event.get("attributes", {})),
        dropped_attributes_count=event.get("dropped", 0),
    )


def _exception(raised: Raised, at: int) -> Span.Event:
    said = {"exception.type": raised.type, "exception.stacktrace": raised.stack, "exception.message": raised.message}
    known = {key: value for key, value in said.items() if value}
    return Span.Event(name="exception", time_unix_nano=at, attributes=pairs(known))


def _link(link: SpanLink) -> Span.Link:
    return Span.Link(
        trace_id=link.trace_id.to_bytes(16), span_id=link.span_id.to_bytes(8), attributes=pairs(link.attributes)
    )


def _link_said(link: Mapping[str, Any]) -> Span.Link:
    _, trace_id, span_id, flags = link["traceparent"].split("-")
    return Span.Link(
        trace_id=bytes.fromhex(trace_id),
        span_id=bytes.fromhex(span_id),
        trace_state=link.get("tracestate", ""),
        flags=int(flags, 16) | (_REMOTE if link.get("remote") else _LOCAL),
        attributes=pairs(link.get("attributes", {})),
        dropped_attributes_count=link.get("dropped", 0),
    )


def pairs(attributes: Attributes) -> list[KeyValue]:
    """Attributes as protobuf."""
    return [KeyValue(key=_text(key), value=_value(value)) for key, value in attributes.items()]


def _value(value: Any) -> AnyValue:
    for kind, encode in _ENCODERS:
        if isinstance(value, kind):
            return encode(value)
    return AnyValue()


def _integer(value: int) -> AnyValue:
    """An integer of any size: OTLP's have 64 bits, and one that has more must not cost the span."""
    fits = -(2**63) <= value < 2**63
    return AnyValue(int_value=value) if fits else AnyValue(string_value=str(value))


def _text(value: str) -> str:
    """A text that protobuf takes: half a surrogate pair, which it does not, becomes a question mark."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


_ENCODERS: tuple[tuple[type | tuple[type, ...], Callable[[Any], AnyValue]], ...] = (
    (str, lambda value: AnyValue(string_value=_text(value))),
    (bool, lambda value: AnyValue(bool_value=value)),
    (int, _integer),
    (float, lambda value: AnyValue(double_value=value)),
    (bytes, lambda value: AnyValue(bytes_value=value)),
    ((list, tuple), lambda value: AnyValue(array_value=ArrayValue(values=[_value(item) for item in value]))),
    (dict, lambda value: AnyValue(kvlist_value=KeyValueList(values=pairs(value)))),
)


class Framed(bytes):
    """A span that somebody else has made, inside a `ResourceSpans` of its own."""


def framed(span: ReadableSpan) -> Framed:
    """A span object with its own resource and scope, encoded."""
    return Framed(encode_spans([span]).resource_spans[0].SerializeToString())


class RequestFrame:
    """Puts encoded spans into the request that a collector takes.

    Args:
        resource: What the spans are about.
        scope: What made them.
    """

    def __init__(self, resource: Resource, scope: InstrumentationScope) -> None:
        # The exporters' encoder knows how resources and scopes are written: it is given a span, which is taken out.
        request = encode_spans([ReadableSpan("", _SOME_CONTEXT, resource=resource, instrumentation_scope=scope)])
        resource_spans = request.resource_spans[0]
        del resource_spans.scope_spans[0].spans[:]
        self._scope_spans = _serialized(resource_spans.scope_spans[0])
        del resource_spans.scope_spans[:]
        self._resource_spans = _serialized(resource_spans)

    def request(self, spans: Sequence[bytes]) -> bytes:
        """The bytes of an `ExportTraceServiceRequest`."""
        foreign = [span for span in spans if isinstance(span, Framed)]
        own = [span for span in spans if not isinstance(span, Framed)]
        return _repeated(ExportTraceServiceRequest.RESOURCE_SPANS_FIELD_NUMBER, [self._framed(own), *foreign])

    def _framed(self, spans: Iterable[bytes]) -> bytes:
        scope_spans = self._scope_spans + _repeated(ScopeSpans.SPANS_FIELD_NUMBER, spans)
        return self._resource_spans + _repeated(ResourceSpans.SCOPE_SPANS_FIELD_NUMBER, [scope_spans])


def _repeated(field: int, messages: Iterable[bytes]) -> bytes:
    """A repeated field of messages: for each its tag, its length and itself."""
    tag = bytes([field << 3 | 2])
    return b"".join(part for message in messages for part in (tag, _varint(len(message)), message))


def _varint(number: int) -> bytes:
    """A length as protobuf writes it: seven bits a byte, the lowest first."""
    parts = bytearray()
    while number > 0x7F:  # noqa: PLR2004  # seven bits
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
