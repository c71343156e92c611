"""Encodes the spans of attempts as OTLP protobuf.

The exporters' own encoder takes span objects and encodes each whole. Here what is the same for every attempt of a task
and queue is encoded once: protobuf messages may be concatenated, repeated fields add up, and the last scalar wins
(https://protobuf.dev/programming-guides/encoding/#last-one-wins). That and bytes that can wait cheaply for a collector
are what MAIN's share of a task's time depends on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from google.protobuf.message import Message
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

from celery_otel.attributes import ERROR_TYPE
from celery_otel.core.span import Attributes, FinishedSpan, Pairs, Raised, SpanLink
from celery_otel.telemetry import wire
from celery_otel.telemetry.producer import NANOSECONDS

#: Flags: it is known where the other span is, here or in another process.
_LOCAL, _REMOTE = 0x100, 0x300
_STATUS = {"OK": Status.StatusCode.STATUS_CODE_OK, "ERROR": Status.StatusCode.STATUS_CODE_ERROR}
_MAX_SHAPES = 2000
_MAX_SHARED = 1024
# Looked up for each attribute of each span.
_WRITERS = wire.WRITERS
_SOME_CONTEXT = SpanContext(1, 1, is_remote=False)

Shape = Callable[[str, str], tuple[str, Attributes]]
"""Gives the name and the constant attributes of the spans of a task and queue."""
Setter = Callable[[AnyValue, Any], None]


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
        attributes, shared = span.attributes, span.shared
        if span.said or span.error_type or span.identity.attributes:
            attributes, shared = _all_attributes(span), ()
        if not keys.isdisjoint(attributes):
            # The user speaks of the same things: theirs counts, and no key may stand twice.
            name, known = self._shape(span.task, span.queue)
            constant = _span(name, {key: known[key] for key in known if key not in attributes})
        return b"".join((constant, _written(shared), *_fields(span, attributes)))

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
    message = Span(name=_text(name), kind=Span.SpanKind.SPAN_KIND_CONSUMER)
    _add_pairs(message.attributes, attributes)
    return _serialized(message)


def _serialized(message: Message) -> bytes:
    data: bytes = message.SerializeToString()
    return data


@lru_cache(maxsize=_MAX_SHARED)
def _written(shared: Pairs) -> bytes:
    """What many spans say, which is written for the first of them."""
    return b"".join(_WRITERS[type(value)](key, value) for key, value in shared)


def _all_attributes(span: FinishedSpan) -> Attributes:
    """All that is the span's own, what the sampler added, and what the task set."""
    attributes = {**dict(span.shared), **span.attributes, **span.identity.attributes, **span.said.get("attributes", {})}
    if span.error_type:
        # Whatever the task said before: this is the value that is on the metrics.
        attributes[ERROR_TYPE] = span.error_type
    return attributes


def _fields(span: FinishedSpan, attributes: Attributes) -> list[bytes]:
    """What is the span's own: what every span has, and then what few have."""
    identity = span.identity
    start = int(span.start * NANOSECONDS)
    end = int(max(span.start, span.end) * NANOSECONDS)
    flags = (_REMOTE if identity.parent_id else _LOCAL) | identity.sampled
    fields = [wire.span_head(identity[:3], start, end, flags)]
    for key, value in attributes.items():
        if (write := _WRITERS.get(type(value))) is not None:
            fields.append(write(key, value))
    few = identity.links or identity.trace_state or span.said or span.error_type or span.raised is not None
    if few or len(fields) < len(attributes) + 1:
        rare = {key: value for key, value in attributes.items() if type(value) not in _WRITERS}
        fields.append(_serialized(_rare(span, rare, end)))
    return fields


def _rare(span: FinishedSpan, attributes: Attributes, end: int) -> Span:
    message = Span(trace_state=span.identity.trace_state)
    _add_pairs(message.attributes, attributes)
    for link in span.identity.links:
        _add_link(message.links.add(), link)
    if span.raised is not None:
        _add_exception(message.events.add(time_unix_nano=end), span.raised)
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
        _add_event(message.events.add(), event)
    for link in said.get("links", ()):
        _add_link_said(message.links.add(), link)
    for kind in ("attributes", "events", "links"):
        lost = said.get("dropped", {}).get(kind, 0) + said.get("cut", {}).get(kind, 0)
        setattr(message, f"dropped_{kind}_count", lost)
    status = said.get("status")
    if status:
        message.status.code = _STATUS[status["code"]]
        message.status.message = _text(status.get("description") or "")


def _add_event(message: Span.Event, event: Mapping[str, Any]) -> None:
    message.name = _text(event["name"])
    message.time_unix_nano = event["time"]
    message.dropped_attributes_count = event.get("dropped", 0)
    _add_pairs(message.attributes, event.get("attributes", {}))


def _add_exception(message: Span.Event, raised: Raised) -> None:
    said = {"exception.type": raised.type, "exception.stacktrace": raised.stack, "exception.message": raised.message}
    message.name = "exception"
    _add_pairs(message.attributes, {key: value for key, value in said.items() if value})


def _add_link(message: Span.Link, link: SpanLink) -> None:
    message.trace_id = link.trace_id.to_bytes(16)
    message.span_id = link.span_id.to_bytes(8)
    _add_pairs(message.attributes, link.attributes)


def _add_link_said(message: Span.Link, link: Mapping[str, Any]) -> None:
    _, trace_id, span_id, flags = link["traceparent"].split("-")
    message.trace_id = bytes.fromhex(trace_id)
    message.span_id = bytes.fromhex(span_id)
    message.trace_state = link.get("tracestate", "")
    message.flags = int(flags, 16) | (_REMOTE if link.get("remote") else _LOCAL)
    message.dropped_attributes_count = link.get("dropped", 0)
    _add_pairs(message.attributes, link.get("attributes", {}))


def _add_pairs(field: Any, attributes: Attributes) -> None:
    """Adds attributes to a repeated field of pairs.

    In place: a message that is made first and put into another one is copied there, which takes three times as long.
    """
    add = field.add
    for key, value in attributes.items():
        _set(add(key=_text(key)).value, value)


def _set(message: AnyValue, value: Any) -> None:
    setter = _SETTERS.get(type(value)) or _setter_of(value)
    setter(message, value)


def _setter_of(value: Any) -> Setter:
    """How a value is written whose class is derived from one of those that OTLP knows, or from none."""
    return next((setter for kind, setter in _SETTERS.items() if isinstance(value, kind)), _set_nothing)


def _set_nothing(message: AnyValue, _: Any) -> None:
    message.SetInParent()


def _set_text(message: AnyValue, value: str) -> None:
    message.string_value = _text(value)


def _set_boolean(message: AnyValue, value: bool) -> None:  # noqa: FBT001  # the value itself
    message.bool_value = value


def _set_integer(message: AnyValue, value: int) -> None:
    """Integers are of any size: OTLP's have 64 bits, and one that has more must not cost the span."""
    if -(2**63) <= value < 2**63:
        message.int_value = value
    else:
        message.string_value = str(value)


def _set_number(message: AnyValue, value: float) -> None:
    message.double_value = value


def _set_bytes(message: AnyValue, value: bytes) -> None:
    message.bytes_value = value


def _set_array(message: AnyValue, value: Sequence[Any]) -> None:
    message.array_value.SetInParent()
    for item in value:
        _set(message.array_value.values.add(), item)


def _set_mapping(message: AnyValue, value: Mapping[str, Any]) -> None:
    message.kvlist_value.SetInParent()
    _add_pairs(message.kvlist_value.values, value)


def _text(value: str) -> str:
    """A text that protobuf takes: half a surrogate pair, which it does not, becomes a question mark."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


_SETTERS: dict[type, Setter] = {
    str: _set_text,
    # Before int, from which it is derived.
    bool: _set_boolean,
    int: _set_integer,
    float: _set_number,
    bytes: _set_bytes,
    list: _set_array,
    tuple: _set_array,
    dict: _set_mapping,
}


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
        return wire.repeated(ExportTraceServiceRequest.RESOURCE_SPANS_FIELD_NUMBER, [self._framed(own), *foreign])

    def _framed(self, spans: Iterable[bytes]) -> bytes:
        scope_spans = self._scope_spans + wire.repeated(ScopeSpans.SPANS_FIELD_NUMBER, spans)
        return self._resource_spans + wire.repeated(ResourceSpans.SCOPE_SPANS_FIELD_NUMBER, [scope_spans])
