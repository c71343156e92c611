"""What Celery's schedules were due, held against what they say themselves."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import ephem
import pytest
from celery import Celery
from celery.schedules import crontab, schedule, solar
from hypothesis import given
from hypothesis import strategies as st

from celery_otel.hooks.schedules import MAX_STEPS, due_runs, utc

NOON = datetime(2024, 6, 3, 12, tzinfo=UTC)
MINUTES = ("*", "*/7", "0", "30", "5,35", "59")
HOURS = ("*", "2", "1-3", "*/3", "0", "23", "0,2")
WEEKDAYS = ("*", "0", "1-5", "sun,mon")
DAYS = ("*", "1-15", "26-31")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago")
CLOCK_CHANGES = (datetime(2024, 3, 30), datetime(2024, 10, 26), datetime(2024, 3, 9), datetime(2024, 4, 6))  # noqa: DTZ001  # hypothesis draws around them


def application(zone: str = "UTC") -> Celery:
    """An application in a time zone."""
    app = Celery("scheduled", set_as_current=False)
    app.conf.timezone = zone
    return app


def asked(app: Celery, fields: dict[str, str], after: datetime, until: datetime, zone: str) -> Iterator[datetime]:
    """What Celery's own crontab answers when it is asked for one run after the other."""
    moment = after
    while True:
        local = moment.astimezone(ZoneInfo(zone))
        timing = crontab(app=app, nowfun=lambda now=local: now, **fields)
        moment = moment + timing.remaining_estimate(local)
        if moment > until:
            return
        yield moment


@given(
    fields=st.fixed_dictionaries(
        {
            "minute": st.sampled_from(MINUTES),
            "hour": st.sampled_from(HOURS),
            "day_of_week": st.sampled_from(WEEKDAYS),
            "day_of_month": st.sampled_from(DAYS),
        }
    ),
    zone=st.sampled_from(ZONES),
    day=st.sampled_from(CLOCK_CHANGES),
    begin=st.integers(0, 48 * 3600),
    length=st.integers(0, 48 * 3600),
)
def test_a_crontab_was_due_as_often_as_celery_would_have_run_it(
    fields: dict[str, str], zone: str, day: datetime, begin: int, length: int
) -> None:
    """Arithmetic finds as many runs as Celery does, one after the other, through every clock change."""
    after = day.replace(tzinfo=UTC) + timedelta(seconds=begin)
    until = after + timedelta(seconds=length)
    app = application(zone)
    expected = max(1, len(list(asked(app, fields, after, until, zone))))
    assert expected == due_runs(crontab(app=app, **fields), after, until)


def test_an_interval_was_due_for_each_time_that_it_fits() -> None:
    """An interval is counted from the last run."""
    every = schedule(10, app=application())
    ends = [timedelta(seconds=number) for number in (9, 10, 19, 20, 3600)]
    assert [1, 1, 1, 2, 360] == [due_runs(every, NOON, NOON + end) for end in ends]


def test_a_relative_interval_was_due_when_the_clock_showed_it() -> None:
    """A relative hour is due at each full hour; relative seconds are as any."""
    app = application("Asia/Kolkata")
    ten_past = NOON + timedelta(minutes=10)
    # Half past, in UTC.
    assert 5 == due_runs(schedule(3600, relative=True, app=app), ten_past, NOON + timedelta(hours=4, minutes=30))
    assert 6 == due_runs(schedule(10, relative=True, app=app), NOON, NOON + timedelta(minutes=1))


def test_a_sunset_was_due_once_a_day() -> None:
    """A solar schedule is due as often as the event was in the sky."""
    app = application("Europe/Berlin")
    sunset = solar("sunset", 52.5, 13.4, app=app)
    place = ephem.Observer()
    place.lat, place.lon, place.horizon, place.pressure = "52.5", "13.4", "-0:34", 0
    events, moment = 0, ephem.Date(NOON)
    while (moment := place.next_setting(ephem.Sun(), start=moment)) <= ephem.Date(NOON + timedelta(days=30)):
        events += 1
    assert 30 == events == due_runs(sunset, NOON, NOON + timedelta(days=30))


def test_what_is_asked_for_run_by_run_is_bounded() -> None:
    """A relative schedule that was not run for years costs no more than so many steps."""
    assert MAX_STEPS == due_runs(schedule(60, relative=True, app=application()), NOON, NOON + timedelta(days=3650))


class OfficeHours(schedule):
    """A schedule of a user's own, due when it likes."""

    def is_due(self, last_run_at: datetime) -> Any:
        """Never at night."""
        return super().is_due(last_run_at)


def test_a_schedule_of_the_users_own_was_due_once() -> None:
    """Nobody but the class itself knows when it was due."""
    assert 1 == due_runs(OfficeHours(10, app=application()), NOON, NOON + timedelta(days=1))


@pytest.mark.parametrize(
    ("expected", "since"),
    [
        (8, None),
        (8, -60.0),
        # Not yet due then: the fixed times go on as they were.
        (8, 5.0),
        # Overdue then: once for all before it, and anew from then on.
        (8, 10.0),
        (4, 45.0),
        (1, 79.0),
        (1, 90.0),
    ],
)
def test_what_an_entry_was_before_it_was_changed_is_not_missed(expected: int, since: float | None) -> None:
    """All that was overdue when the entry became what it is was due once, at that moment."""
    every = schedule(10, app=application())
    moment = None if since is None else NOON + timedelta(seconds=since)
    assert expected == due_runs(every, NOON, NOON + timedelta(seconds=80), moment)


def test_a_moment_without_a_time_zone_is_in_utc() -> None:
    """As Celery reads what a database without time zones remembers."""
    assert NOON == utc(NOON.replace(tzinfo=None)) == utc(NOON.astimezone(ZoneInfo("Asia/Kolkata")))
