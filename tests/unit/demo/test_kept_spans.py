"""Which spans of training and tuning Jaeger must have, and which of those it has count."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from docs.examples.demo.driver.kept_spans import MARK, Group, kept, lacking, operations, planned
from docs.examples.demo.driver.scenario import Scenario

from celery_otel_pipeline.spans import Span, Tags, Trace
from tests.unit.demo.traces import planned_trace

PLAN = Scenario(1, "http://127.0.0.1:1", Path("pictures")).plan()
TREE, GRID = Group("training", "tree"), Group("tuning", "grid")
TRAINED = {"celery.training.model_type": "tree"}


def span_of(span_id: str, tags: Tags, kind: str = "consumer") -> Span:
    """Return a span with an id and attributes."""
    return replace(planned_trace().spans[0], span_id=span_id, tags=tags, kind=kind)


def test_every_run_of_the_plan_has_a_span() -> None:
    """18 trainings and 8 searches, those included that fail or are killed, are 26 spans of three tasks."""
    wanted = planned(PLAN)
    assert (26, 4, 1) == (wanted.total(), wanted[TREE], wanted[GRID])
    assert [f"process playground.training.{name}" for name in ("search", "train", "tune")] == operations(PLAN)


def test_a_span_counts_once_and_only_with_the_mark() -> None:
    """A span found twice is one; one without the mark, or of another kind, is none."""
    trained = span_of("a", {**TRAINED, MARK: True})
    tuned = span_of("b", {"celery.tuning.method": "grid", MARK: True})
    others = (span_of("c", TRAINED), span_of("d", {MARK: True}), span_of("e", {**TRAINED, MARK: True}, "internal"))
    found = kept([Trace("1", (trained, tuned)), Trace("2", (trained, *others))])
    assert Counter({TREE: 1, GRID: 1}) == found


def test_what_is_missing_or_too_much_is_named() -> None:
    """A group with another number than planned is one sentence."""
    expected = ["training tree: 2 spans planned, 1 kept", "tuning grid: 0 spans planned, 1 kept"]
    assert expected == lacking({TREE: 2}, {TREE: 1, GRID: 1})
    assert [] == lacking({TREE: 2}, {TREE: 2})
