"""Outages on the way to Prometheus: counts survive a dead collector, an absent one, and a restarted Prometheus."""

from pathlib import Path

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import Steps
from tests.acceptance.ledger.run import OUTAGE_PATIENCE, all_outcomes, compare, play, run_plan, seed, thinned
from tests.acceptance.ledger.scene import Pipeline, Scene

TIMES = 8


def _collector_dies(pipeline: Pipeline) -> Steps:
    """SIGKILL in the middle, and up again when some exports have come to nothing."""
    yield lambda: pipeline.tap.delivered > 10
    pipeline.collector.kill()
    lost = pipeline.tap.lost
    yield lambda: pipeline.tap.lost >= lost + 4
    pipeline.collector.start()


def _prometheus_restarts(pipeline: Pipeline) -> Steps:
    """Down in the middle, and up again when some exports have gone unseen."""
    yield lambda: pipeline.tap.delivered > 10
    pipeline.prometheus.stop()
    delivered = pipeline.tap.delivered
    yield lambda: pipeline.tap.delivered >= delivered + 8
    pipeline.prometheus.start()


def _balances(scene: Scene, *events: tuple[str, Steps]) -> None:
    order = seed()
    scene.start_workers()
    outcomes = thinned(all_outcomes(scene), TIMES)
    play(scene, outcomes, order, *events, patience=OUTAGE_PATIENCE)
    if not scene.pipeline.collector.alive:
        scene.pipeline.collector.start()
    compare(scene, lambda: run_plan(scene, outcomes), outcomes, order)


def test_a_killed_collector_costs_no_count(tmp_path: Path) -> None:
    """With the collector SIGKILLed and restarted in the middle, every series equals the plan."""
    with Pipeline(tmp_path / "pipeline") as pipeline:
        conditions = Conditions(queue="collector-killed")
        with Scene(pipeline, conditions, tmp_path) as scene:
            _balances(scene, ("the collector dies", _collector_dies(pipeline)))
        assert pipeline.tap.lost > 0


def test_an_absent_collector_costs_no_count(tmp_path: Path) -> None:
    """With the collector started only when all is over, every series equals the plan, and the failures are counted."""
    with Pipeline(tmp_path / "pipeline") as pipeline:
        pipeline.collector.kill()
        conditions = Conditions(queue="collector-absent")
        with Scene(pipeline, conditions, tmp_path) as scene:
            _balances(scene)
            assert scene.reading().sum_of("celery_otel_export_failures_total") > 0


def test_a_restarted_prometheus_costs_no_count(tmp_path: Path) -> None:
    """With Prometheus stopped and started in the middle, every series equals the plan."""
    with Pipeline(tmp_path / "pipeline") as pipeline:
        conditions = Conditions(queue="prometheus-restarted")
        with Scene(pipeline, conditions, tmp_path) as scene:
            _balances(scene, ("Prometheus restarts", _prometheus_restarts(pipeline)))
