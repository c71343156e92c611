"""When series begin."""

from celery_otel import names
from celery_otel.metric import Readings
from celery_otel.telemetry.births import Births

BEGUN, LATER = 5_000_000_000, 20_000_000_000
SUCCESS, FAILURE = ("t", "success"), ("t", "failure")


def test_what_has_not_begun_is_known() -> None:
    """Counters and histograms are to be announced until they have begun; gauges never are."""
    readings: Readings = {names.TASK_TOTAL: {SUCCESS: 1, FAILURE: 2}, names.WORKER_POOL_SIZE: {("w@host",): 4}}
    births = Births()
    births.begin({names.TASK_TOTAL: [SUCCESS]}, BEGUN)
    assert {names.TASK_TOTAL: {FAILURE: 2}} == births.unborn(readings)
    births.begin({names.TASK_TOTAL: [SUCCESS, FAILURE]}, LATER)
    assert {} == births.unborn(readings)
    assert [BEGUN, LATER] == [births.of(names.TASK_TOTAL, labels, LATER + 1) for labels in (SUCCESS, FAILURE)]


def test_a_series_that_nobody_was_told_of_begins_just_before_its_first_point() -> None:
    """And keeps that beginning."""
    births = Births()
    starts = [births.of(names.TASK_FAILURES, ("t", "ValueError"), now) for now in (LATER, LATER + 9)]
    assert [LATER - 1_000_000] * 2 == starts
