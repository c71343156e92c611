"""The oldest Celery that is supported: the same outcomes, where Celery itself differs as the table says."""

from pathlib import Path

import pytest

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.outcomes import OUTCOMES
from tests.acceptance.ledger.run import all_outcomes, compare, play, run_plan, seed
from tests.acceptance.ledger.scene import Pipeline, Scene


@pytest.mark.parametrize("acks_late", [False, True], ids=["early", "late"])
def test_every_outcome_balances_on_celery_5_4(
    pipeline: Pipeline, celery54: str, tmp_path: Path, *, acks_late: bool
) -> None:
    """With workers on Celery 5.4, every series equals the plan."""
    conditions = Conditions(celery=(5, 4), acks_late=acks_late, queue=f"celery54-{'late' if acks_late else 'early'}")
    with Scene(pipeline, conditions, tmp_path, python=celery54) as scene:
        order = seed()
        scene.start_workers()
        outcomes = all_outcomes(scene)
        play(scene, outcomes, order)
        compare(scene, lambda: run_plan(scene, outcomes), list(OUTCOMES), order)
