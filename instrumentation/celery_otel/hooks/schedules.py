"""How often a schedule of Celery was due between two moments."""

from collections.abc import Callable, Iterator
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from celery.schedules import crontab, schedule, solar
from celery.utils.time import maybe_make_aware

from celery_otel.core.due import CrontabFields, interval_runs

MAX_STEPS = 10_000
"""The most runs at once that are counted of a solar or relative schedule, which is asked for each of them."""
_MINUTE = timedelta(minutes=1)
_EVENT = timedelta(seconds=1)
"""A solar event is found again by a search that begins at it, as exactly as its time is told."""


def due_runs(timing: Any, last: datetime, until: datetime, since: datetime | None = None) -> int:
    """How many runs were due after the last one, with the one that the scheduler is about to make: at least 1.

    Args:
        timing: The schedule.
        last: When it last ran, in UTC.
        until: The time of the run that is about to be made, in UTC.
        since: From when on the entry is as it is. A run that was overdue then is due then, however many there were.
    """
    if since is None or since <= last:
        return max(1, sum(_runs(timing, last, until)))
    overdue = any(_runs(timing, last, since))
    return max(1, overdue + sum(_runs(timing, since if overdue else last, until)))


def utc(moment: Any) -> datetime:
    """A moment of a schedule in UTC. One without a time zone is in UTC already, as Celery has it."""
    aware: datetime = maybe_make_aware(moment)
    return aware.astimezone(UTC)


def _runs(timing: Any, after: datetime, until: datetime) -> Iterator[int]:
    if _behaves_as(timing, crontab):
        yield from _fields(timing).runs(after, until, timing.tz)
    elif _behaves_as(timing, schedule):
        yield from _interval(timing, after, until)
    elif _behaves_as(timing, solar):
        yield from _steps(timing, after, until, _EVENT)


def _interval(timing: Any, after: datetime, until: datetime) -> Iterator[int]:
    # A relative one is due when the clock shows a whole minute, hour or day, if it is that long.
    if timing.relative and timing.run_every >= _MINUTE:
        yield from _steps(timing, after, until, timedelta())
    else:
        yield interval_runs(timing.run_every, after, until)


def _behaves_as(timing: Any, known: type[Any]) -> bool:
    """Whether a schedule is due when Celery's own class is: a class of the user's may be due whenever it likes."""
    if not isinstance(timing, known):
        return False
    kind = type(timing)
    # Its crontab only brings a time zone.
    if kind.__module__ == "django_celery_beat.tzcrontab":
        return True
    return kind.is_due is known.is_due and kind.remaining_estimate is known.remaining_estimate


def _fields(timing: Any) -> CrontabFields:
    return CrontabFields(
        frozenset(timing.minute),
        frozenset(timing.hour),
        frozenset(timing.day_of_week),
        frozenset(timing.day_of_month),
        frozenset(timing.month_of_year),
    )


def _steps(timing: Any, after: datetime, until: datetime, pause: timedelta) -> Iterator[int]:
    """Asks the schedule itself for one run after the other, each after a pause."""
    next_after = _asked_of(timing)
    moment = after
    for _ in range(MAX_STEPS):
        moment, before = next_after(moment + pause), moment
        if not before < moment <= until:
            return
        yield 1


def _asked_of(timing: Any) -> Callable[[datetime], datetime]:
    """What tells when a schedule is due next after a moment, whatever time it is now."""
    frozen = copy(timing)
    frozen.app = timing.app

    def next_after(moment: datetime) -> datetime:
        # In its own time zone, as Celery 5.4 needs it.
        local = moment.astimezone(timing.tz)
        frozen.nowfun = lambda: local
        remaining: timedelta = frozen.remaining_estimate(local)
        return moment + remaining

    return next_after
