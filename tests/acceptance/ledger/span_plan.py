"""The spans that belong to a plan: one for every attempt that ended, and for those that a worker abandoned.

They follow from the series: what was counted is what must have a span.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from celery_otel_pipeline.spans import Span as StoredSpan
from tests.acceptance.ledger.plan import Plan, Series


class Ended(NamedTuple):
    """What a span says of an attempt: its task, its state, and why it is an error; empty if it is none."""

    task: str
    state: str
    error: str


Spans = Counter[Ended]

#: Exceptions that their task announces (`throws`): failures that are no errors.
EXPECTED = {("ledger.throws", "ExpectedError")}
#: Returned attempts that had started: cause -> (state, error).
STARTED = {"cancelled": ("CANCELLED", "cancelled"), "requeued": ("REJECTED", "")}
UNKNOWN = Ended("ledger.not_registered", "FAILURE", "unknown_task")


def spans_of(plan: Plan) -> Spans:
    """The spans of all attempts of a plan."""
    spans: Spans = Counter()
    for series, number in plan.items():
        if number and (ended := _ended(series)):
            spans[ended] += number
    return spans


def _ended(series: Series) -> Ended | None:
    labels = dict(series.labels)
    task = labels.get("task_name", "")
    match series.metric:
        case "celery_task_total" if labels["status"] not in {"failure", "revoked"}:
            return Ended(task, labels["status"].upper(), "")
        case "celery_task_failures_total":
            error = labels["error_type"]
            return Ended(task, "FAILURE", "" if (task, error) in EXPECTED else error)
        case "celery_task_revocations_total":
            return Ended(task, "REVOKED", "terminated" if labels["cause"] == "terminated" else "")
        case "celery_task_returned_total" if labels["cause"] in STARTED:
            return Ended(task, *STARTED[labels["cause"]])
        case "celery_task_unknown_total":
            return UNKNOWN
    return None


def found(spans: Iterable[Span]) -> Spans:
    """What the spans of attempts say, each counted once however often it was delivered."""
    consumers = {span.span_id: span for span in spans if span.kind == Span.SpanKind.SPAN_KIND_CONSUMER}
    return Counter(
        _said(
            {item.key: item.value.string_value for item in span.attributes},
            failed=span.status.code == Status.StatusCode.STATUS_CODE_ERROR,
        )
        for span in consumers.values()
    )


def stored(spans: Iterable[StoredSpan]) -> Spans:
    """The same of the spans that Jaeger has."""
    consumers = {span.span_id: span for span in spans if span.kind == "consumer"}
    return Counter(_said(span.tags, failed=span.status == "error") for span in consumers.values())


def _said(attributes: Mapping[str, str], *, failed: bool) -> Ended:
    error = attributes.get("error.type", "")
    # A span whose status contradicts it equals no planned one.
    state = attributes["celery.task.state"] if failed == bool(error) else f"contradicts its status ({failed})"
    return Ended(attributes["celery.task.name"], state, error)


def differences(planned: Spans, seen: Spans) -> list[str]:
    """A line for each kind of span whose number is not the planned one."""
    keys = sorted(set(planned) | set(seen))
    return [
        f"spans of {key.task}, {key.state}, error {key.error!r}: planned {planned[key]}, delivered {seen[key]}"
        for key in keys
        if planned[key] != seen[key]
    ]
