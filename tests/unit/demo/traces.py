"""A trace as Jaeger would answer it, made from what the plan says of it."""

from pathlib import Path

from docs.examples.demo.driver.plan import Unit
from docs.examples.demo.driver.planned_trace import TraceSpan, planned_spans
from docs.examples.demo.driver.scenario import Scenario

from celery_otel_pipeline.spans import Span, SpanLink, Tags, Trace

TRACE_ID = "5" * 32
MILLISECOND = 1_000_000


def request() -> Unit:
    """Return the demo's web request."""
    return Scenario(1, "http://127.0.0.1:1", Path("pictures")).plan().units[0]


def trace_of(spans: list[TraceSpan]) -> Trace:
    """Return a trace with such spans, each one beginning 100 ms after the one before and 50 ms long."""
    return Trace(TRACE_ID, tuple(_span(number, span) for number, span in enumerate(spans)))


def planned_trace() -> Trace:
    """Return the trace exactly as planned."""
    return trace_of(planned_spans(request()))


def _span(number: int, span: TraceSpan) -> Span:
    start = number * 100 * MILLISECOND
    state, _, detail = span.end.partition(" ")
    return Span(
        trace_id=TRACE_ID,
        span_id=span.name,
        parent_id=span.parent or None,
        operation=span.name if span.kind == "server" else span.name.partition(" ")[0] + " celery",
        service=span.service,
        kind=span.kind,
        start_ns=start,
        end_ns=start + 50 * MILLISECOND,
        status="error" if span.error else "unset",
        status_message="",
        tags=_tags(span, state, detail),
        resource={},
        events=(),
        links=tuple(SpanLink(TRACE_ID, name, {}) for name in span.links),
        warnings=(),
    )


def _tags(span: TraceSpan, state: str, detail: str) -> Tags:
    if span.kind == "server":
        return {"http.response.status_code": 202}
    verb, _, message = span.name.partition(" ")
    task, _, retry = message.partition(", retry ")
    tags: Tags = {
        "messaging.operation.name": verb,
        "celery.task.name": task,
        "celery.task.retries": int(retry or 0),
        "celery.task.state": state,
        "error.type" if span.error else "celery.retry.reason": detail,
    }
    return {name: value for name, value in tags.items() if value != ""}
