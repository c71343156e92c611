"""How often something was due between two moments: arithmetic on intervals and on the fields of a crontab."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

_LAST_MINUTE = 24 * 60 - 1


def interval_runs(interval: timedelta, after: datetime, until: datetime) -> int:
    """How many whole intervals lie between two moments.

    Args:
        interval: The interval; one of no length is due once.
        after: The moment from which it is counted, in UTC.
        until: The end, in UTC.
    """
    if interval <= timedelta():
        return 1
    return max(0, (until - after) // interval)


@dataclass(frozen=True, slots=True)
class CrontabFields:
    """The five fields of a crontab, as numbers; a Sunday is 0. A day must be in all three of its fields."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days_of_week: frozenset[int]
    days_of_month: frozenset[int]
    months: frozenset[int]

    def runs(self, after: datetime, until: datetime, zone: tzinfo) -> Iterator[int]:
        """How many minutes of the crontab lie in (after, until], day by day.

        As Celery has it, local times that a clock change skips are due once, at its end, and one that it repeats is due
        the first time.

        Args:
            after: The beginning, in UTC; the minute that it is in has passed.
            until: The end, in UTC.
            zone: Where the fields are local time.
        """
        first, last = after.astimezone(zone), until.astimezone(zone)
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            day = date.fromordinal(ordinal)
            if not self._includes(day):
                continue
            if _offset(day, zone) == _offset(day + timedelta(days=1), zone):
                yield self._of_plain_day(
                    _minute(first) if day == first.date() else -1,
                    _minute(last) if day == last.date() else _LAST_MINUTE,
                )
            else:
                yield self._of_changing_day(day, first, last)

    def _includes(self, day: date) -> bool:
        return day.month in self.months and day.day in self.days_of_month and day.isoweekday() % 7 in self.days_of_week

    def _of_plain_day(self, after: int, until: int) -> int:
        """Of a day on which no clock is changed, between two of its minutes."""
        if (after, until) == (-1, _LAST_MINUTE):
            return len(self.hours) * len(self.minutes)
        return sum(after < 60 * hour + minute <= until for hour in self.hours for minute in self.minutes)

    def _of_changing_day(self, day: date, first: datetime, last: datetime) -> int:
        after, until = first.replace(second=59, microsecond=999_999).astimezone(UTC), last.astimezone(UTC)
        local = [
            datetime(day.year, day.month, day.day, hour, minute, tzinfo=first.tzinfo)
            for hour in self.hours
            for minute in self.minutes
        ]
        skipped = {time.astimezone(UTC) for time in local if not _exists(time)}
        # The first of the skipped ones falls on a time that exists: then the others have passed.
        due = {time.astimezone(UTC) for time in local if _exists(time)} | set(sorted(skipped)[:1])
        return sum(after < moment <= until for moment in due)


def _exists(local: datetime) -> bool:
    return local.astimezone(UTC).astimezone(local.tzinfo).replace(fold=local.fold) == local


def _offset(day: date, zone: tzinfo) -> timedelta | None:
    return datetime(day.year, day.month, day.day, tzinfo=zone).utcoffset()


def _minute(moment: datetime) -> int:
    return 60 * moment.hour + moment.minute
