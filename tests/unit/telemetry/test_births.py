"""When series begin."""

from celery_otel import names
from celery_otel.telemetry.births import Births

FIRST, LATER = 5_000_000_000, 20_000_000_000
ORIGIN = 4_000_000_000


def test_the_series_of_the_first_export_begin_with_the_worker() -> None:
    """Also in later exports."""
    births = Births()
    starts = [births.of(names.TASK_TOTAL, ("t", "success"), ORIGIN, now) for now in (FIRST, LATER)]
    assert [ORIGIN, ORIGIN] == starts


def test_a_later_series_begins_just_before_its_first_point() -> None:
    """And keeps that beginning."""
    births = Births()
    births.of(names.TASK_TOTAL, ("t", "success"), ORIGIN, FIRST)
    starts = [births.of(names.TASK_FAILURES, ("t", "ValueError"), ORIGIN, now) for now in (LATER, LATER + 9)]
    assert [LATER - 1_000_000] * 2 == starts
