"""Training and tuning on every pool, with kills: runs, results, sizes and scores are the plan, exactly."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from celery_otel_pipeline.polling import wait_until
from tests.acceptance.ledger.balance import Reading
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.outcomes import planned
from tests.acceptance.ledger.outcomes_runs import RUNS
from tests.acceptance.ledger.plan import Plan, multiplied, returned, started, total, trained
from tests.acceptance.ledger.run import assert_balanced, compare, play, restarts, run_plan, seed
from tests.acceptance.ledger.scene import SETTLING, Pipeline, Scene
from tests.acceptance.ledger.tasks_runs import FEATURES, SAMPLES, SCORES

POOLS = [Conditions(pool=pool, queue=f"runs-{pool}") for pool in ("prefork", "threads", "solo", "gevent", "eventlet")]
#: What the runs of a metric add each, so that its sum is so many times as much.
SIZES = {
    "celery_training_samples": SAMPLES,
    "celery_training_features": FEATURES,
    "celery_tuning_iterations": len(SCORES),
}
#: What the spans of these tasks say of their training, whether it ends or is killed.
LABELS = {
    "ledger.train_hard": "hard",
    "ledger.train_killed": "killed",
    "ledger.train_program": "program",
    "ledger.train_terminated_kill": "kill",
}


def wrong_sums(reading: Reading, plan: Plan) -> Iterator[str]:
    """A line for each sum of samples, features or iterations that is not what the planned runs add up to."""
    for key, number in plan.items():
        metric = key.metric.removesuffix("_count")
        if metric in SIZES:
            found = reading.sum_of(f"{metric}_sum", **dict(key.labels))
            if found != number * SIZES[metric]:
                yield f"{metric}_sum of {dict(key.labels)}: {found:g} of {number * SIZES[metric]}"


def attributes_of(spans: list[Span], task: str) -> list[dict[str, str]]:
    """What the spans of a task's attempts say."""
    found = {
        span.span_id: {item.key: item.value.string_value for item in span.attributes}
        for span in spans
        if span.kind == Span.SpanKind.SPAN_KIND_CONSUMER
    }
    return [said for said in found.values() if said["celery.task.name"] == task]


@pytest.mark.parametrize("conditions", POOLS, ids=lambda conditions: conditions.queue)
def test_every_run_balances(pipeline: Pipeline, conditions: Conditions, tmp_path: Path) -> None:
    """Every run is counted once with its result, sizes and best score, and the span of its attempt says what it was."""
    with Scene(pipeline, conditions, tmp_path) as scene:
        order = seed()
        scene.start_workers()
        outcomes = [outcome for outcome in RUNS if outcome.possible(conditions)]
        play(scene, outcomes, order)
        reading = compare(scene, lambda: run_plan(scene, outcomes), list(RUNS), order)
        assert [] == list(wrong_sums(reading, planned(outcomes, conditions)))
        scores = {max(SCORES)}
        assert {"grid", "random", "term", "kill"} == {
            one.labels["method"] for one in reading.named("celery_tuning_best_score")
        }
        assert scores == {one.points[-1][1] for one in reading.named("celery_tuning_best_score")}
        spans = pipeline.tap.spans(scene.job)
        for task, label in LABELS.items():
            said = attributes_of(spans, task)
            assert [label] * len(said) == [one.get("celery.training.model_type") for one in said]


def test_what_trains_when_the_worker_gives_up_has_failed(pipeline: Pipeline, tmp_path: Path) -> None:
    """A cold shutdown abandons the tasks; their runs are in the last export, as failures."""
    with Scene(pipeline, Conditions(queue="runs-cold"), tmp_path) as scene:
        scene.start_workers()
        ids = [scene.stage.send("ledger.train_held", queue=scene.conditions.own_queue) for _ in range(4)]
        wait_until(lambda: all(map(scene.journal.starts, ids)), deadline=SETTLING, message="the runs do not begin")
        wait_until(lambda: _busy(scene) == len(ids), deadline=SETTLING, message="Prometheus does not show the tasks")
        born = restarts(scene)
        scene.first.cold_stop()
        task, queue = "ledger.train_held", scene.conditions.own_queue
        abandoned = total(returned(task, "cancelled"), started(task, queue), trained("held", "failure"))
        plan = total(multiplied(abandoned, len(ids)), born)
        assert_balanced(scene, *scene.settled(lambda: plan))


def _busy(scene: Scene) -> float:
    return scene.reading().latest("celery_worker_pool_busy").get(scene.first.node_name, 0.0)
