"""The relay span keeps what the span of OpenTelemetry's SDK would keep, for the same calls."""

import logging
import threading
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace import SpanLimits as SdkLimits
from opentelemetry.trace import Link, Span, SpanContext, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from celery_otel.relay_record import Record
from celery_otel.relay_span import RelaySpan
from celery_otel.span_limits import SpanLimits

OWN = SpanContext(0x11, 0x22, is_remote=False, trace_flags=TraceFlags(1))


def own(context: SpanContext = OWN) -> SpanContext:
    """Who the span is."""
    return context


LIMITS = SpanLimits(attributes=3, events=2, links=2, event_attributes=2, link_attributes=1, value_length=4)
SHORT_TEXTS = SpanLimits(value_length=2, span_value_length=5)
NONE_AT_ALL = SpanLimits(attributes=0, events=0, links=0, event_attributes=0, link_attributes=0, value_length=0)


class Unspeakable:
    """Something that is no attribute."""


KEYS = st.sampled_from("abcd") | st.sampled_from(["", None, 5])
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.lists(st.text(max_size=8) | st.integers(), max_size=3)
    | st.dictionaries(KEYS, st.text(max_size=8), max_size=3)
    | st.builds(Unspeakable)
    | st.just({1, 2})
)
ATTRIBUTES = st.none() | st.dictionaries(KEYS, VALUES, max_size=5)
CONTEXTS = st.builds(
    SpanContext,
    st.integers(0, 2),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from([TraceFlags(0), TraceFlags(1), TraceFlags(3)]),
    st.sampled_from([TraceState(), TraceState([("a", "1"), ("b", "2")])]),
)
CODES = st.sampled_from(StatusCode)
WORDS = st.none() | st.text(max_size=8)
TIMES = st.integers(1, 1 << 60)
ERRORS = st.builds(ValueError, st.text(max_size=3))
NAMES = st.text(min_size=1, max_size=8)
Call = tuple[str, tuple[Any, ...]]


def calls_of(method: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Call]:
    """Calls of a method of a span."""
    return st.tuples(st.just(method), st.tuples(*arguments))


CALLS = st.lists(
    calls_of("set_attribute", KEYS, VALUES)
    | calls_of("set_attributes", st.dictionaries(KEYS, VALUES, max_size=5))
    | calls_of("add_event", NAMES, ATTRIBUTES, TIMES)
    | calls_of("add_link", CONTEXTS, ATTRIBUTES)
    | calls_of("update_name", NAMES)
    | calls_of("set_status", CODES, WORDS)
    | calls_of("set_status", st.builds(Status, CODES, WORDS), WORDS)
    | calls_of("record_exception", ERRORS, ATTRIBUTES, TIMES, st.booleans()),
    max_size=12,
)


@given(CALLS, st.sampled_from([SpanLimits(), LIMITS, SHORT_TEXTS, NONE_AT_ALL]))
def test_it_keeps_what_the_sdks_span_keeps(calls: list[Call], limits: SpanLimits) -> None:
    """After the same calls, sensible or not, name, attributes, events, links, status and drops are the same."""
    sdk = sdk_span(limits)
    span = RelaySpan(own, limits)
    for method, arguments in calls:
        getattr(sdk, method)(*arguments)
        getattr(span, method)(*arguments)
    assert said_by(sdk) == span.finish()


def sdk_span(limits: SpanLimits) -> Any:
    """A span of the SDK with these limits."""
    own = SdkLimits(
        max_span_attributes=limits.attributes,
        max_events=limits.events,
        max_links=limits.links,
        max_event_attributes=limits.event_attributes,
        max_link_attributes=limits.link_attributes,
        max_attribute_length=limits.value_length,
        max_span_attribute_length=limits.span_value_length,
    )
    return TracerProvider(span_limits=own, shutdown_on_exit=False).get_tracer("sdk").start_span("")


def said_by(span: ReadableSpan) -> Record | None:
    """What a span of the SDK holds, as the record of a relay span."""
    dropped = {
        "attributes": span.dropped_attributes,
        "events": span.dropped_events,
        "links": span.dropped_links,
    }
    status = {"code": span.status.status_code.name, "description": span.status.description}
    said = {
        "name": span.name,
        "attributes": dict(span.attributes or {}),
        "events": [event_of(event) for event in span.events],
        "links": [link_of(link) for link in span.links],
        "status": {} if span.status.is_unset else without_empty(status),
        "dropped": without_empty(dropped),
    }
    return {"span": "0000000000000022", **without_empty(said)} if any(said.values()) else None


def event_of(event: Event) -> Record:
    """An event of the SDK, as a record has it."""
    described = without_empty({"attributes": dict(event.attributes or {}), "dropped": event.dropped_attributes})
    return {"name": event.name, "time": event.timestamp, **described}


def link_of(link: Link) -> Record:
    """A link of the SDK, as a record has it; its ids as OpenTelemetry's own propagator writes them."""
    context = link.context
    ids = {
        "traceparent": f"00-{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}"
        f"-{context.trace_flags:02x}",
        "tracestate": context.trace_state.to_header(),
        "remote": context.is_remote,
    }
    return without_empty({**ids, "attributes": dict(link.attributes or {}), "dropped": link.dropped_attributes})


def without_empty(mapping: Record) -> Record:
    """Those entries that say something."""
    return {key: value for key, value in mapping.items() if value}


def test_a_link_is_written_as_a_propagator_writes_it() -> None:
    """Who reads a link's `traceparent` as W3C Trace Context gets the same context back."""
    context = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(3), trace_state=TraceState([("a", "1")]))
    span = RelaySpan(own)
    span.add_link(context)
    record = span.finish()
    assert record is not None
    (link,) = record["links"]
    extracted = TraceContextTextMapPropagator().extract(link)
    assert context == trace.get_current_span(extracted).get_span_context()


def test_an_exception_is_recorded_as_the_sdk_records_it() -> None:
    """Type with its module, message, stack and `escaped` are those of the SDK's event, for a raised exception."""
    sdk, span = sdk_span(SpanLimits()), RelaySpan(own)
    for each in (sdk, span):
        try:
            raise FailedError("on purpose")  # noqa: TRY301  # raised where it is recorded, for its stack
        except FailedError as error:
            each.record_exception(error, {"exception.message": "hidden"}, timestamp=5)
    record = span.finish()
    assert said_by(sdk) == record
    assert record is not None
    attributes = record["events"][0]["attributes"]
    assert (f"{__name__}.FailedError", "hidden", "False") == tuple(
        attributes[f"exception.{key}"] for key in ("type", "message", "escaped")
    )
    assert attributes["exception.stacktrace"].endswith("FailedError: on purpose\n")


class FailedError(Exception):
    """An error of a task."""


@pytest.mark.parametrize("use", ["with", "use_span"])
def test_an_exception_that_leaves_a_with_block_is_recorded(use: str) -> None:
    """As with the SDK's span: an event, and the status ERROR with the exception's text."""

    def leave(span: Span) -> None:
        with span if use == "with" else trace.use_span(span):
            raise FailedError("on purpose")

    spans = (sdk_span(SpanLimits()), RelaySpan(own))
    for span in spans:
        with pytest.raises(FailedError):
            leave(span)
    expected, record = said_by(spans[0]), spans[1].finish()
    assert expected is not None
    assert record is not None
    assert expected["status"] == record["status"] == {"code": "ERROR", "description": "FailedError: on purpose"}
    assert ["exception"] == [event["name"] for event in record["events"]]


def test_a_task_that_sets_nothing_has_no_record() -> None:
    """Calls that leave nothing behind count as nothing: no datagram."""
    span = RelaySpan(own)
    span.set_status(StatusCode.UNSET)
    span.add_link(SpanContext(0, 0, is_remote=False))
    span.add_link(None)
    assert span.finish() is None


def test_it_ends_with_the_task_and_not_before(caplog: pytest.LogCaptureFixture) -> None:
    """`end()` changes nothing; what is set after the task's end is lost, with a warning."""
    span = RelaySpan(own)
    span.end()
    assert span.is_recording()
    span.set_attribute("a", 1)
    assert {"span": "0000000000000022", "attributes": {"a": 1}} == span.finish()
    assert not span.is_recording()
    span.set_attribute("b", 2)
    span.record_exception(ValueError())
    assert {"span": "0000000000000022", "attributes": {"a": 1}} == span.finish()
    assert [logging.WARNING] * 2 == [record.levelno for record in caplog.records]
    assert "set_attribute was called on the span of a task that has ended" in caplog.text


def test_events_happen_now_unless_they_say_when() -> None:
    """An event without a time has the clock's."""
    span = RelaySpan(own, now=lambda: 7)
    span.add_event("now")
    span.add_event("then", timestamp=0)
    record = span.finish()
    assert record is not None
    assert [7, 0] == [event["time"] for event in record["events"]]


def test_what_a_list_holds_later_does_not_matter() -> None:
    """A value is taken as it is when it is set."""
    span, value = RelaySpan(own), [1]
    span.set_attribute("a", value)
    value.append(2)
    record = span.finish()
    assert record is not None
    assert (1,) == record["attributes"]["a"]


def test_threads_of_a_task_share_it() -> None:
    """What several threads set at once is all there."""
    span = RelaySpan(own, SpanLimits(attributes=4000, events=4000))

    def work(worker: int) -> None:
        for number in range(500):
            span.set_attribute(f"{worker}.{number}", number)
            span.add_event(f"{worker}.{number}")

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record = span.finish()
    assert record is not None
    assert (2000, 2000) == (len(record["attributes"]), len(record["events"]))
    assert "dropped" not in record


def test_children_of_it_belong_to_it() -> None:
    """A span that the SDK makes while it is current has its ids as the parent, and its sampling decision."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("sdk")
    for flags, sampled in ((1, True), (0, False)):
        context = SpanContext(0x11, 0x22, is_remote=False, trace_flags=TraceFlags(flags))
        with trace.use_span(RelaySpan(partial(own, context))):
            child = tracer.start_span("child")
        assert 0x11 == child.get_span_context().trace_id
        assert sampled == child.is_recording()
        if isinstance(child, ReadableSpan):
            assert context == child.parent
