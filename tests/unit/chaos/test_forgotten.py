"""Runs that Celery itself no longer knows."""

from celery_otel_pipeline.samples import Series
from tests.acceptance.ledger.balance import Reading
from tests.chaos.testimony import RECEIVED, Said
from tests.chaos.witnessed_round import unreturned, without_forgotten

RECEIPT = Said(0.0, "t", "id", RECEIVED, "")
END = Said(1.0, "t", "id", "success", "")


def reading(ended: int, returned: int) -> Reading:
    """What Prometheus has of a task."""
    labels = {"task_name": "t", "instance": "w@h"}
    totals = {"__name__": "celery_task_total", "status": "success", **labels}
    back = {"__name__": "celery_task_returned_total", "cause": "connection_lost", **labels}
    return Reading([Series(totals, [(1.0, float(ended))]), Series(back, [(1.0, float(returned))])], [])


def test_a_run_of_a_returned_attempt_is_left_out() -> None:
    """It was received, given back, received again and ended: of its two runs MAIN has heard of one."""
    lines = [RECEIPT, END, RECEIPT, END]
    found = reading(ended=1, returned=1)
    assert [RECEIPT, RECEIPT, END] == without_forgotten(lines, found)
    assert {} == unreturned(without_forgotten(lines, found), found)


def test_an_end_that_is_missing_for_no_reason_stays() -> None:
    """Nothing was given back, so the end was lost: the comparison is to say so."""
    lines = [RECEIPT, END]
    assert lines == without_forgotten(lines, reading(ended=0, returned=0))


def test_an_attempt_that_is_nowhere_is_named() -> None:
    """Received, and neither ended nor given back."""
    assert {"t": 1} == unreturned([RECEIPT, RECEIPT, END], reading(ended=1, returned=0))
