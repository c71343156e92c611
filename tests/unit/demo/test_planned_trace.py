"""Setting the web request's trace beside what was planned of it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from docs.examples.demo.driver.planned_trace import TraceSpan, deviations, planned_spans, seen_spans

from celery_otel_pipeline.spans import Trace
from tests.unit.demo.traces import planned_trace, request, trace_of

PAGE = "playground.fetch.page"
RETRIED = f"process {PAGE}, retry 1"
SEARCHED = "process playground.training.search"


def changed(name: str, change: Callable[[TraceSpan], TraceSpan]) -> Trace:
    """Return the planned trace with one span changed."""
    return trace_of([change(span) if span.name == name else span for span in planned_spans(request())])


def test_the_shape_of_the_trace() -> None:
    """A request with two messages; a retry below the attempt before, and the chain's next link below that."""
    parents = {span.name: span.parent for span in planned_spans(request())}
    expected = {
        "POST /orders": "",
        f"send {PAGE}": "POST /orders",
        f"process {PAGE}": f"send {PAGE}",
        f"send {PAGE}, retry 1": f"process {PAGE}",
        RETRIED: f"send {PAGE}, retry 1",
        "send playground.texts.count_text": RETRIED,
        "process playground.texts.count_text": "send playground.texts.count_text",
        "send playground.training.search": "POST /orders",
        SEARCHED: "send playground.training.search",
    }
    assert expected == parents


def test_the_ends_and_the_link() -> None:
    """Each attempt has its end, only the timeout is an error, and the retry alone is linked."""
    spans = {span.name: span for span in planned_spans(request()) if span.kind == "consumer"}
    ends = ["RETRY ServiceUnavailable", "SUCCESS", "SUCCESS", "FAILURE timeout"]
    assert ends == [span.end for span in spans.values()]
    assert [SEARCHED] == [span.name for span in spans.values() if span.error]
    assert {RETRIED: (f"process {PAGE}",)} == {span.name: span.links for span in spans.values() if span.links}


def test_the_planned_trace_does_not_deviate() -> None:
    """What Jaeger answers is read in the plan's own words."""
    assert planned_spans(request()) == seen_spans(planned_trace())
    assert [] == deviations(request(), planned_trace())


@pytest.mark.parametrize(
    "change",
    [
        lambda span: replace(span, links=()),
        lambda span: replace(span, links=("of another trace",)),
        lambda span: replace(span, parent="POST /orders"),
        lambda span: replace(span, parent="of another trace"),
        lambda span: replace(span, end="FAILURE timeout"),
        lambda span: replace(span, service="front"),
        lambda span: replace(span, kind="internal"),
    ],
    ids=["link lost", "link elsewhere", "parent", "orphan", "end", "service", "kind"],
)
def test_what_is_not_as_planned_is_named(change: Callable[[TraceSpan], TraceSpan]) -> None:
    """A span that differs in one thing is named twice: as planned, and as it is."""
    planned, seen = deviations(request(), changed(RETRIED, change))
    assert planned.startswith(f"the trace lacks {RETRIED} of playground (consumer)")
    assert seen.startswith(f"the trace has {RETRIED}")


def test_an_error_too_many_is_named() -> None:
    """A retry is not an error: one that says so deviates."""
    wrong = deviations(request(), changed(RETRIED, lambda span: replace(span, error=True)))
    assert [False, True] == [", error," in sentence for sentence in wrong]


def test_lacking_and_surplus_spans_are_named() -> None:
    """A span that is not there, and one that is there twice, deviate each on its own."""
    spans = planned_spans(request())
    assert [f"the trace lacks {spans[-1]}"] == deviations(request(), trace_of(spans[:-1]))
    assert [f"the trace has {spans[-1]}"] == deviations(request(), trace_of([*spans, spans[-1]]))
