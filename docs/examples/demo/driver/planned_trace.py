"""The trace that the web request must leave: every span with its parent, its end and its links, known beforehand."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from celery_otel_pipeline.spans import Span, Trace

from .front import ORDERS, SERVICE
from .plan import Attempt, Job, Unit

REQUEST = f"POST {ORDERS}"
WORKERS = "playground"


@dataclass(frozen=True)
class TraceSpan:
    """What is planned of a span, and looked at.

    Attributes:
        name: What it is about, once in the trace: the request, or a task's message sent or processed.
        parent: The name of its parent; empty for the root.
        service: Whose span it is.
        kind: server, producer or consumer.
        end: How an attempt ended: state, and error type or reason. Else empty.
        error: Its status says that it failed.
        links: The names of the spans it is linked to.
    """

    name: str
    parent: str
    service: str
    kind: str
    end: str = ""
    error: bool = False
    links: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = f"{self.name} of {self.service} ({self.kind}), below {self.parent or 'nothing'}, end {self.end or '-'}"
        return f"{words}{', error' if self.error else ''}, linked to {', '.join(self.links) or 'nothing'}"


def planned_spans(unit: Unit) -> list[TraceSpan]:
    """Return the spans that a unit of the kind `request` leaves."""
    page, count, search = unit.jobs
    fetched = list(_message_spans(page, REQUEST))
    # The next link of a chain is published by the worker, within the attempt that has succeeded.
    counted = _message_spans(count, fetched[-1].name)
    return [TraceSpan(REQUEST, "", SERVICE, "server"), *fetched, *counted, *_message_spans(search, REQUEST)]


def _message_spans(job: Job, publisher: str) -> Iterator[TraceSpan]:
    """Yield the two spans of each attempt; a retry is published within the attempt before and linked to it."""
    before: tuple[str, ...] = ()
    for retries, attempt in enumerate(job.attempts):
        sent, processed = (_name(verb, job.task, retries) for verb in ("send", "process"))
        yield TraceSpan(sent, publisher, SERVICE if publisher == REQUEST else WORKERS, "producer")
        end = _end(attempt.status.upper(), attempt.detail)
        yield TraceSpan(processed, sent, WORKERS, "consumer", end, _is_error(attempt), before)
        publisher, before = processed, (processed,)


def seen_spans(trace: Trace) -> list[TraceSpan]:
    """Return what a trace really has, in the same words."""
    names = {span.span_id: name_of(span) for span in trace.spans}
    return [_seen(span, names) for span in trace.spans]


def deviations(unit: Unit, trace: Trace) -> list[str]:
    """Return where a trace is not as planned, in words; best, nothing."""
    planned, seen = Counter(planned_spans(unit)), Counter(seen_spans(trace))
    lacking = [f"the trace lacks {span}" for span in planned - seen]
    return lacking + [f"the trace has {span}" for span in seen - planned]


def name_of(span: Span) -> str:
    """Return what a span is about: Celery's spans by task and attempt, others by their operation."""
    verb, task = span.tags.get("messaging.operation.name"), span.tags.get("celery.task.name")
    return _name(verb, task, span.tags["celery.task.retries"]) if verb and task else span.operation


def end_of(span: Span) -> str:
    """Return how an attempt ended: state, and error type or reason; empty for other spans."""
    detail = span.tags.get("error.type") or span.tags.get("celery.retry.reason", "")
    return _end(span.tags.get("celery.task.state", ""), detail)


def _seen(span: Span, names: dict[str, str]) -> TraceSpan:
    parent = names.get(span.parent_id, "an unknown span") if span.parent_id else ""
    links = tuple(names.get(link.span_id, "an unknown span") for link in span.links)
    return TraceSpan(names[span.span_id], parent, span.service, span.kind, end_of(span), span.status == "error", links)


def _name(verb: str, task: str, retries: int) -> str:
    return f"{verb} {task}, retry {retries}" if retries else f"{verb} {task}"


def _end(state: str, detail: str) -> str:
    return f"{state} {detail}".strip()


def _is_error(attempt: Attempt) -> bool:
    return attempt.status == "failure"
