"""How often an interval or a crontab was due: whole numbers, without Celery."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from celery_otel.core.due import CrontabFields, interval_runs

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2024, 6, 3, tzinfo=UTC)
EVERY_MINUTE, EVERY_HOUR, EVERY_DAY = frozenset(range(60)), frozenset(range(24)), frozenset(range(1, 32))
EVERY_WEEKDAY, EVERY_MONTH = frozenset(range(7)), frozenset(range(1, 13))


def crontab(
    minutes: frozenset[int] = EVERY_MINUTE,
    hours: frozenset[int] = EVERY_HOUR,
    days_of_week: frozenset[int] = EVERY_WEEKDAY,
    days_of_month: frozenset[int] = EVERY_DAY,
    months: frozenset[int] = EVERY_MONTH,
) -> CrontabFields:
    """A crontab of which a field or two are told."""
    return CrontabFields(minutes, hours, days_of_week, days_of_month, months)


def at(*fields: int) -> frozenset[int]:
    """A field of a crontab."""
    return frozenset(fields)


@pytest.mark.parametrize(
    ("expected", "seconds"), [(0, 9.999), (1, 10), (1, 19.999), (2, 20), (360, 3600), (0, -10), (0, 0)]
)
def test_an_interval_is_due_once_for_each_time_that_it_fits(expected: int, seconds: float) -> None:
    """Whole intervals are counted; a clock that was set back gives none."""
    assert expected == interval_runs(timedelta(seconds=10), MONDAY, MONDAY + timedelta(seconds=seconds))


def test_an_interval_of_no_length_is_due_once() -> None:
    """What is always due has missed nothing."""
    assert 1 == interval_runs(timedelta(), MONDAY, MONDAY + timedelta(days=1))


@pytest.mark.parametrize(
    ("expected", "fields", "after", "until"),
    [
        (1, crontab(), "12:00:00.5", "12:01:00.2"),
        (0, crontab(), "12:00:00.5", "12:00:59.9"),
        (59, crontab(), "12:00:30", "12:59:30"),
        (1, crontab(at(0), at(4)), "03:59:59", "04:00:00"),
        (0, crontab(at(0), at(4)), "04:00:00", "23:59:59"),
        (3, crontab(at(0, 30), at(12, 13)), "12:00", "13:30"),
        (0, crontab(months=at(7)), "00:00", "23:59"),
        (0, crontab(days_of_month=at(1, 2, 4)), "00:00", "23:59"),
        (0, crontab(days_of_week=at(0, 2)), "00:00", "23:59"),
        (23, crontab(at(0), days_of_week=at(1)), "00:00", "23:59"),
        (0, crontab(), "12:00", "11:00"),
    ],
)
def test_a_crontab_is_due_in_its_minutes_of_a_day(expected: int, fields: CrontabFields, after: str, until: str) -> None:
    """The minutes after the one that the last run was in count, up to the one that it is now."""
    first, last = (
        datetime.combine(MONDAY, datetime.fromisoformat(f"2024-06-03T{time}").time(), UTC) for time in (after, until)
    )
    assert expected == sum(fields.runs(first, last, UTC))


def test_a_crontab_is_due_on_its_days() -> None:
    """Over months, the days count whose weekday, day of the month and month all fit."""
    friday_the_13th = crontab(at(0, 30), at(12), at(5), at(13))
    runs = list(friday_the_13th.runs(datetime(2023, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC), UTC))
    # January and October 2023, September and December 2024.
    assert [2, 2, 2, 2] == runs


def test_a_crontab_is_in_local_time() -> None:
    """Four in the morning in Berlin is two o'clock UTC in summer."""
    daily = crontab(at(0), at(4))
    assert 0 == sum(daily.runs(MONDAY, MONDAY + timedelta(hours=1, minutes=59), BERLIN))
    assert 1 == sum(daily.runs(MONDAY, MONDAY + timedelta(hours=2), BERLIN))


def test_a_skipped_hour_is_not_missed() -> None:
    """On the day on which Berlin has no two o'clock, an hourly crontab is due 23 times in 23 hours."""
    midnight = datetime(2024, 3, 31, tzinfo=BERLIN).astimezone(UTC)
    end = midnight + timedelta(hours=23)
    assert 23 == sum(crontab(at(0)).runs(midnight - timedelta(minutes=1), end - timedelta(minutes=1), BERLIN))


def test_a_skipped_time_is_due_once_after_the_clock_change() -> None:
    """A crontab for times that a day does not have runs once when the clock has been changed."""
    midnight = datetime(2024, 3, 31, tzinfo=BERLIN).astimezone(UTC)
    assert [1] == list(crontab(hours=at(2)).runs(midnight, midnight + timedelta(hours=22), BERLIN))


def test_a_repeated_hour_is_due_once() -> None:
    """On the day on which Berlin has two o'clock twice, an hourly crontab is due 24 times in 25 hours."""
    midnight = datetime(2024, 10, 27, tzinfo=BERLIN).astimezone(UTC)
    end = midnight + timedelta(hours=25)
    assert 24 == sum(crontab(at(0)).runs(midnight - timedelta(minutes=1), end - timedelta(minutes=1), BERLIN))
