"""The page of the ledger's result says what the tables of the runs say."""

from typing import Any

from tests.acceptance.ledger.page import RUNS, TRAINING, page


def row(outcome: str, found: int, planned: int = 20, *, series: int = 3, remark: str = "") -> dict[str, Any]:
    """A row of a run's table."""
    return {
        "outcome": outcome,
        "planned": planned,
        "found": found,
        "series": series,
        "equal": found == planned,
        "remark": remark,
    }


def test_a_cell_shows_what_differs_and_what_cannot_be_had() -> None:
    """Equal numbers stand once, different ones both, and an outcome that cannot be had is a dash with its remark."""
    results = {run: {"rows": [row("success", 20), row("child SIGKILLed", 5, 5)]} for run in {**RUNS, **TRAINING}}
    lost = row("child SIGKILLed", 0, 0, series=0, remark="the task runs in the worker itself")
    results["solo-early"] = {"rows": [row("success", 19), lost]}
    lines = page(results).splitlines()
    assert "| success | 20 | 20 | 20 | 20 | 20 | 20 | 20 | 20 | **19 of 20** | 20 | 20 |" in lines
    assert "| child SIGKILLed | 5 | 5 | 5 | 5 | 5 | 5 | 5 | 5 | — | 5 | 5 |" in lines
    assert "- child SIGKILLed (solo): the task runs in the worker itself" in lines
