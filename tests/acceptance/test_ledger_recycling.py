"""Children that come and go: recycling and autoscaling lose no attempt and count no child wrongly."""

from pathlib import Path

import pytest

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.run import all_outcomes, compare, play, run_plan, seed, thinned
from tests.acceptance.ledger.scene import Pipeline, Scene


@pytest.mark.parametrize(("tasks", "times"), [(1, 2), (10, 6)])
def test_recycled_children_lose_no_attempt(pipeline: Pipeline, tmp_path: Path, tasks: int, times: int) -> None:
    """With --max-tasks-per-child every series equals the plan, and every replaced child is one restart."""
    conditions = Conditions(queue=f"recycled-after-{tasks}")
    arguments = ("--max-tasks-per-child", str(tasks))
    with Scene(pipeline, conditions, tmp_path, arguments=arguments) as scene:
        order = seed()
        scene.start_workers()
        outcomes = thinned(all_outcomes(scene), times)
        play(scene, outcomes, order)
        compare(scene, lambda: run_plan(scene, outcomes), outcomes, order)


def test_autoscaled_pools_lose_no_attempt(pipeline: Pipeline, tmp_path: Path) -> None:
    """With --autoscale every series equals the plan; growing and shrinking are no restarts."""
    conditions = Conditions(queue="autoscaled")
    with Scene(pipeline, conditions, tmp_path, arguments=("--autoscale", "4,1")) as scene:
        order = seed()
        scene.first_children = 2
        scene.start_workers()
        outcomes = thinned(all_outcomes(scene), 10)
        play(scene, outcomes, order)
        compare(scene, lambda: run_plan(scene, outcomes), outcomes, order)
