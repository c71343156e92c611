"""Reading the answers of Jaeger's query API."""

from typing import Any

from celery_otel_pipeline.spans import Span, SpanEvent, SpanLink, Trace, parse_traces

TRACE, OTHER = "0" * 31 + "1", "0" * 31 + "2"
ROOT, CHILD = "0" * 15 + "1", "0" * 15 + "2"
FULL = {
    "traceId": TRACE,
    "spanId": CHILD,
    "parentSpanId": ROOT,
    "name": "process add",
    "kind": 5,
    "startTimeUnixNano": "1500000000000000000",
    "endTimeUnixNano": "1500000000250000001",
    "status": {"code": 2, "message": "no such order"},
    "attributes": [
        {"key": "text", "value": {"stringValue": "a"}},
        {"key": "whole", "value": {"intValue": "9007199254740993"}},
        {"key": "part", "value": {"doubleValue": 0.5}},
        {"key": "flag", "value": {"boolValue": False}},
        {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "b"}]}}},
        {"key": "empty", "value": {}},
        {"key": "@jaeger@warnings", "value": {"arrayValue": {"values": [{"stringValue": "clock skew"}]}}},
    ],
    "events": [{"timeUnixNano": "1500000000100000000", "name": "exception"}],
    "links": [{"traceId": OTHER, "spanId": ROOT}],
}
BARE = {"traceId": TRACE, "spanId": ROOT, "startTimeUnixNano": "1", "endTimeUnixNano": "1"}


def answer(*spans: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with these spans, all from one service."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {"result": {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}}


def test_span_is_read_whole() -> None:
    """Every value has its own type, whole numbers and times are exact, and warnings are no attributes."""
    ((span,),) = [trace.spans for trace in parse_traces(answer(FULL))]

    assert span == Span(
        trace_id=TRACE,
        span_id=CHILD,
        parent_id=ROOT,
        operation="process add",
        service="shop",
        kind="consumer",
        start_ns=1_500_000_000_000_000_000,
        end_ns=1_500_000_000_250_000_001,
        status="error",
        status_message="no such order",
        tags={"text": "a", "whole": 9007199254740993, "part": 0.5, "flag": False, "list": [1, "b"], "empty": ""},
        resource={"service.name": "shop"},
        events=(SpanEvent("exception", 1_500_000_000_100_000_000, {}),),
        links=(SpanLink(OTHER, ROOT, {}),),
        warnings=("clock skew",),
    )
    assert 1_500_000_000.0 == span.start
    assert 0.250000001 == span.duration


def test_what_is_left_out_has_its_default() -> None:
    """The format leaves out what is empty: a root has no parent, and kind and status are unset."""
    ((span,),) = [trace.spans for trace in parse_traces(answer(BARE))]

    assert (None, "unspecified", "unset", {}) == (span.parent_id, span.kind, span.status, span.tags)


def test_spans_are_sorted_into_their_traces() -> None:
    """Traces come apart, each with its spans by their start."""
    found = parse_traces(answer(FULL, {**BARE, "traceId": OTHER}, BARE))

    assert {TRACE: (ROOT, CHILD), OTHER: (ROOT,)} == {
        trace.trace_id: tuple(span.span_id for span in trace.spans) for trace in found
    }
    assert all(isinstance(trace, Trace) for trace in found)
