"""How often each task ended how: as planned, and as the pages and spans of the monitors say."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families

from tests.acceptance.ledger.plan import Plan

#: Celery's words for the statuses; it has no word for `ignored`.
STATUSES = {
    "succeeded": "success",
    "failed": "failure",
    "retried": "retry",
    "revoked": "revoked",
    "rejected": "rejected",
}


class Ended(NamedTuple):
    """A task and how attempts of it ended."""

    task: str
    status: str


Ends = Counter[Ended]


def of_plan(plan: Plan) -> Ends:
    """The ends that a plan has, or that a reading of our own series says."""
    ends: Ends = Counter()
    for series, number in plan.items():
        if series.metric == "celery_task_total" and number:
            labels = dict(series.labels)
            ends[Ended(labels["task_name"], labels["status"])] += number
    return ends


def of_celery_exporter(page: str) -> Ends:
    """The ends that celery-exporter's page shows: a counter for each status."""
    ends: Ends = Counter()
    names = {f"celery_task_{word}_total": status for word, status in STATUSES.items()}
    for name, labels, value in _samples(page):
        if name in names:
            ends[Ended(labels["name"], names[name])] += int(value)
    return ends


def of_flower(page: str) -> Ends:
    """The ends that Flower's page shows: one counter, with the event's name as a label."""
    ends: Ends = Counter()
    for name, labels, value in _samples(page):
        status = STATUSES.get(labels.get("type", "").removeprefix("task-"))
        if name == "flower_events_total" and status:
            ends[Ended(labels["task"], status)] += int(value)
    return ends


def of_upstream(spans: Iterable[Span]) -> Ends:
    """The ends that the consumer spans of the upstream instrumentation tell, by the state that they bear."""
    ends: Ends = Counter()
    for span in spans:
        attributes = {item.key: item.value.string_value for item in span.attributes}
        if span.kind == Span.SpanKind.SPAN_KIND_CONSUMER:
            ends[Ended(attributes.get("celery.task_name", ""), attributes.get("celery.state", "").lower())] += 1
    return ends


def _samples(page: str) -> Iterable[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value
