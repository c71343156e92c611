"""The spans of the attempts that trained or tuned a model: every one is in Jaeger, with the mark that keeps it.

The collector sets the mark and sends what bears it straight to Jaeger, whatever becomes of the rest of its trace.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from celery_otel_pipeline.spans import Span, Trace

from .model_run import SUBJECTS_OF_RUNS, Kind
from .plan import Plan

MARK = "celery.keep"


@dataclass(frozen=True, order=True)
class Group:
    """Spans that belong together.

    Attributes:
        kind: training or tuning.
        label: The model's type, or the method of the search.
    """

    kind: Kind
    label: str


def planned(plan: Plan) -> Counter[Group]:
    """Return how many attempts train each type of model, and search by each method."""
    return Counter(Group(job.run.kind, job.run.label) for job in plan.jobs if job.run)


def operations(plan: Plan) -> list[str]:
    """Return how the spans are called: by the tasks that train or search."""
    return sorted({f"process {job.task}" for job in plan.jobs if job.run})


def kept(traces: Iterable[Trace]) -> Counter[Group]:
    """Return how many spans of attempts have the mark, of each group."""
    spans = {span.span_id: span for trace in traces for span in trace.spans if span.tags.get(MARK) is True}
    return Counter(group for span in spans.values() for group in _groups(span))


def lacking(wanted: Mapping[Group, int], found: Mapping[Group, int]) -> list[str]:
    """Return where there are not as many spans as planned, in words; best, nothing."""
    return [
        f"{group.kind} {group.label}: {wanted.get(group, 0)} spans planned, {found.get(group, 0)} kept"
        for group in sorted({*wanted, *found})
        if wanted.get(group, 0) != found.get(group, 0)
    ]


def _groups(span: Span) -> Iterator[Group]:
    for kind, subject in SUBJECTS_OF_RUNS.items():
        label = span.tags.get(f"celery.{kind}.{subject}")
        if label is not None and span.kind == "consumer":
            yield Group(kind, label)
