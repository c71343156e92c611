"""What we encode is what OpenTelemetry's own encoder would, and nothing that a user sets can break it."""

from collections import Counter
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from celery_otel.core.span import Attributes, FinishedSpan, Raised, SpanIdentity, SpanLink
from celery_otel.telemetry.span_encoder import RequestFrame, SpanEncoder, framed

TRACE, SPAN, PARENT = 2**127 + 1, 2**63 + 2, 7
START, END = 1_700_000_000.25, 1_700_000_001.5
NANOSECONDS = 1_000_000_000
CONSTANT = {"celery.task.name": "shop.order", "messaging.system": "redis"}
SHARED = (("celery.task.state", "SUCCESS"), ("celery.task.retries", 0))
OWN = {**CONSTANT, **dict(SHARED), "messaging.message.id": "7"}
SAMPLED = TraceFlags(TraceFlags.SAMPLED)
RESOURCE = Resource({"service.name": "shop", "service.instance.id": "w@host"})
SCOPE = InstrumentationScope("celery_otel", "1.0", "https://example.org/schema")


def shape(task: str, _: str) -> tuple[str, Attributes]:
    """What is the same for every attempt of a task."""
    return f"process {task}", CONSTANT


def finished(**fields: Any) -> FinishedSpan:
    """A span with these fields, the rest plain."""
    identity = SpanIdentity(TRACE, SPAN, PARENT, trace_state="shop=1")
    plain: dict[str, Any] = {"attributes": {"messaging.message.id": "7"}, "shared": SHARED}
    return FinishedSpan(fields.pop("identity", identity), "shop.order", "orders", START, END, **{**plain, **fields})


def encoded(**fields: Any) -> Span:
    """The span as we encode it."""
    span: Span = Span.FromString(SpanEncoder(shape).encode(finished(**fields)))
    return span


def theirs(**fields: Any) -> Span:
    """A span as OpenTelemetry's own encoder encodes it."""
    context = SpanContext(TRACE, SPAN, is_remote=False, trace_flags=SAMPLED, trace_state=TraceState([("shop", "1")]))
    parent = SpanContext(TRACE, PARENT, is_remote=True, trace_flags=SAMPLED)
    given = {
        "parent": parent,
        "kind": SpanKind.CONSUMER,
        "start_time": int(START * NANOSECONDS),
        "end_time": int(END * NANOSECONDS),
        "attributes": OWN,
        **fields,
    }
    span = ReadableSpan("process shop.order", context, resource=RESOURCE, instrumentation_scope=SCOPE, **given)
    made: Span = encode_spans([span]).resource_spans[0].scope_spans[0].spans[0]
    # Their encoder leaves out whether it is sampled: OTLP has the W3C flags in the lowest bits.
    made.flags |= SAMPLED
    if not made.status.ByteSize():
        made.ClearField("status")
    return made


def test_a_plain_span_is_as_theirs() -> None:
    """Ids, parent, trace state, flags, times, kind, name and attributes are the same."""
    assert theirs() == encoded()


def test_a_root_is_as_theirs() -> None:
    """A span without a parent has none, and says that it is local."""
    identity = SpanIdentity(TRACE, SPAN, trace_state="shop=1")
    assert theirs(parent=None) == encoded(identity=identity)


def test_links_are_as_theirs() -> None:
    """A link has its ids and attributes."""
    context = SpanContext(3, 4, is_remote=True, trace_flags=SAMPLED)
    wanted = theirs(links=(Link(context, {"celery.link": "header"}),))
    link = SpanLink(3, 4, {"celery.link": "header"})
    got = encoded(identity=SpanIdentity(TRACE, SPAN, PARENT, trace_state="shop=1", links=(link,)))
    # Of a span that is known by its id alone nobody can say whether it was sampled.
    wanted.links[0].flags = got.links[0].flags = 0
    assert wanted == got


def test_an_error_is_as_theirs() -> None:
    """An exception is an event at the end, with class and stack; status and error.type say what it was."""
    event = Event("exception", {"exception.type": "KeyError", "exception.stacktrace": "lines"}, int(END * NANOSECONDS))
    wanted = theirs(
        events=[event],
        status=Status(StatusCode.ERROR),
        attributes={**OWN, "error.type": "KeyError"},
    )
    assert wanted == encoded(error_type="KeyError", raised=Raised("KeyError", "lines"))


def test_what_user_code_said_is_as_theirs() -> None:
    """Name, attributes, events, links and status that a task set are on its span."""
    said = {
        "name": "packing",
        "attributes": {"shop.weight": 1.5},
        "events": [{"name": "weighed", "time": 5, "attributes": {"kilos": 2}}],
        "links": [{"traceparent": f"00-{3:032x}-{4:016x}-01", "attributes": {"why": "same order"}}],
        "status": {"code": "ERROR", "description": "too heavy"},
    }
    wanted = theirs(
        attributes={**OWN, "shop.weight": 1.5},
        events=[Event("weighed", {"kilos": 2}, 5)],
        links=(Link(SpanContext(3, 4, is_remote=False, trace_flags=SAMPLED), {"why": "same order"}),),
        status=Status(StatusCode.ERROR, "too heavy"),
    )
    wanted.name = "packing"
    wanted.links[0].flags |= SAMPLED
    assert wanted == encoded(said=said)


def test_what_was_cut_is_counted() -> None:
    """What the limits of a span or of the relay took away is in the counts of what was dropped."""
    said = {"dropped": {"attributes": 1, "events": 2}, "cut": {"events": 3, "links": 4}}
    span = encoded(said=said)
    assert (1, 5, 4) == (span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count)


def test_an_error_beats_what_the_task_said_before() -> None:
    """A task that called itself fine and then failed has failed."""
    span = encoded(error_type="KeyError", said={"status": {"code": "OK", "description": None}})
    assert "STATUS_CODE_ERROR" == span.status.StatusCode.Name(span.status.code)


def test_a_task_may_call_itself_fine() -> None:
    """Without an error the status is what the task said."""
    span = encoded(said={"status": {"code": "OK", "description": None}})
    assert "STATUS_CODE_OK" == span.status.StatusCode.Name(span.status.code)


scalars = st.text() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.binary()
values = scalars | st.lists(st.text()) | st.lists(st.booleans()) | st.lists(st.integers(-(2**63), 2**63 - 1))


@given(st.dictionaries(st.text(), values))
def test_attributes_of_every_type_are_as_theirs(attributes: dict[str, Any]) -> None:
    """Whatever may be an attribute is encoded as OpenTelemetry does it."""
    # The SDK refuses such values before they come to its encoder, and they have no order.
    wanted = {item.key: item.value for item in theirs(attributes=MappingProxyType(attributes)).attributes}
    got = {item.key: item.value for item in encoded(attributes=attributes).attributes}
    assert wanted == {key: value for key, value in got.items() if key in attributes}


surrogates = st.text(st.characters(categories=["Cs", "L", "Nd"]))


@given(
    st.dictionaries(st.text(), surrogates | st.integers() | st.lists(st.integers()) | st.lists(surrogates)),
    surrogates,
)
@example({"celery.task.name": "mine", "celery.task.retries": 9, "celery.task.state": "mine"}, "")
@example({"error.type": "mine"}, "")
@example({"huge": 2**63, "tiny": -(2**63) - 1}, "\ud800")
def test_no_value_costs_the_span(attributes: dict[str, Any], text: str) -> None:
    """Integers of any size, halves of surrogate pairs and names of ours: the span is whole, and no key stands twice."""
    said = {
        "name": text,
        "attributes": attributes,
        "events": [{"name": text, "time": 1, "attributes": attributes}],
        "status": {"code": "ERROR", "description": text},
    }
    span = encoded(said=said, error_type="KeyError", raised=Raised(text, text, text))
    keys = Counter(item.key for item in span.attributes)
    assert {1} == set(keys.values())
    assert {*CONSTANT, *dict(SHARED), "error.type"} <= set(keys)


def test_the_users_word_counts() -> None:
    """What a task says of the same things as we do stands in place of ours; only the error is what it was."""
    told = {"celery.task.name": "mine", "messaging.system": 5, "error.type": "mine", "celery.task.retries": 9}
    said = {"attributes": told}
    found = {item.key: item.value for item in encoded(said=said, error_type="KeyError").attributes}
    assert ("KeyError", 9) == (found["error.type"].string_value, found["celery.task.retries"].int_value)
    assert ("mine", 5) == (found["celery.task.name"].string_value, found["messaging.system"].int_value)


def test_an_integer_beyond_64_bits_is_a_text() -> None:
    """OTLP has no such number: its digits are kept."""
    (value,) = (item.value for item in encoded(attributes={"huge": 2**64}).attributes if item.key == "huge")
    assert "18446744073709551616" == value.string_value


def test_constant_parts_are_made_once_for_a_task_and_queue() -> None:
    """What is the same for every attempt is asked for once, and for at most so many tasks and queues kept."""
    asked: list[tuple[str, str]] = []

    def asking(task: str, queue: str) -> tuple[str, Attributes]:
        asked.append((task, queue))
        return shape(task, queue)

    encoder = SpanEncoder(asking)
    for _ in range(3):
        encoder.encode(finished())
    assert [("shop.order", "orders")] == asked


@pytest.mark.parametrize("number", [0, 1, 300])
def test_a_request_has_each_span_once(number: int) -> None:
    """A request names resource, scope and schema once, and holds every span, ours and those that others made."""
    spans = [SpanEncoder(shape).encode(finished(attributes={"number": index})) for index in range(number)]
    foreign = framed(
        ReadableSpan(
            "theirs",
            SpanContext(1, 2, is_remote=False),
            resource=Resource({"service.name": "other"}),
            instrumentation_scope=InstrumentationScope("requests", "2"),
        )
    )
    request = ExportTraceServiceRequest.FromString(RequestFrame(RESOURCE, SCOPE).request([*spans, foreign]))
    own, other = request.resource_spans
    assert {"service.name": "shop", "service.instance.id": "w@host"} == {
        item.key: item.value.string_value for item in own.resource.attributes
    }
    (scope_spans,) = own.scope_spans
    assert ("celery_otel", "1.0") == (scope_spans.scope.name, scope_spans.scope.version)
    assert "https://example.org/schema" == scope_spans.schema_url
    assert list(range(number)) == [_number(span) for span in scope_spans.spans]
    assert ["theirs"] == [span.name for span in other.scope_spans[0].spans]


def _number(span: Span) -> int:
    (number,) = (item.value.int_value for item in span.attributes if item.key == "number")
    return int(number)
