"""A worker that is stopped and back at once under its name: Prometheus has what each of its lives has counted."""

from pathlib import Path

from celery_otel_pipeline.polling import wait_until
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.plan import multiplied, ran
from tests.acceptance.ledger.run import assert_balanced
from tests.acceptance.ledger.scene import SETTLING, Pipeline, Scene

LIVES = 2
#: How many seconds pass between two exports, and between two scrapes. A worker is back in less.
EVERY = 8
#: How many tasks a life runs that are exported in its course, and how many that only its last export tells of.
EARLY, LATE = 5, 3
TASK = "ledger.success"


def _run(scene: Scene, number: int) -> None:
    for _ in range(number):
        scene.stage.send(TASK, 1)
    wait_until(scene.stage.idle, deadline=SETTLING, message="the tasks do not end")


def _live(scene: Scene, number: int) -> None:
    """One life. What it counts just before its end is not scraped before the next one is there."""
    before = len(scene.pipeline.tap.exports(scene.job))
    scene.first = scene.worker("first", scene.conditions.queue)
    scene.start(scene.first)
    _run(scene, EARLY)
    wait_until(
        lambda: any(export.counters for export in scene.pipeline.tap.exports(scene.job)[before:]),
        deadline=SETTLING,
        message=lambda: f"life {number} exports no counts\n{scene.first.log}",
    )
    scene.pipeline.wait_for_scrapes(1)
    _run(scene, LATE)
    assert 0 == scene.first.warm_stop()


def test_a_worker_that_is_back_at_once_hides_no_count(tmp_path: Path) -> None:
    """Without a state and with a name that stays, every attempt of every life is in Prometheus, once."""
    env = {"OTEL_METRIC_EXPORT_INTERVAL": f"{EVERY}000"}
    with (
        Pipeline(tmp_path / "pipeline", scrape_interval=f"{EVERY}s") as pipeline,
        Scene(pipeline, Conditions(pool="threads", queue="back-at-once"), tmp_path, env=env) as scene,
    ):
        scene.stage.workers = 1
        for number in range(LIVES):
            _live(scene, number)
        plan = multiplied(ran(TASK, scene.conditions.queue, "success"), LIVES * (EARLY + LATE))
        assert_balanced(scene, *scene.settled(lambda: plan))
