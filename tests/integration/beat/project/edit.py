"""Edits the schedule in the project's database, as its admin pages would: `python -m …edit <what> <arguments>`."""

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.integration.beat.project.settings")
django.setup()

from django.core.management import call_command  # noqa: E402  # Django has to be set up before
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks  # noqa: E402


def migrate() -> None:
    """Makes the tables."""
    call_command("migrate", verbosity=0)


def interval(name: str, seconds: str) -> None:
    """Adds an entry, or changes its interval."""
    timing, _ = IntervalSchedule.objects.get_or_create(every=int(seconds), period=IntervalSchedule.SECONDS)
    PeriodicTask.objects.update_or_create(name=name, defaults={"task": "shop.order", "interval": timing})


def crontab(name: str, minute: str, hour: str) -> None:
    """Adds an entry with a crontab."""
    timing, _ = CrontabSchedule.objects.get_or_create(minute=minute, hour=hour)
    PeriodicTask.objects.update_or_create(name=name, defaults={"task": "shop.order", "crontab": timing})


def start_time(name: str, minutes: str) -> None:
    """Lets an entry start so many minutes ago."""
    entry = PeriodicTask.objects.get(name=name)
    entry.start_time = datetime.now(UTC) - timedelta(minutes=int(minutes))
    entry.save()


def enabled(name: str, value: str) -> None:
    """Enables or disables an entry."""

    def edit() -> None:
        entry = PeriodicTask.objects.get(name=name)
        entry.enabled = value == "yes"
        entry.save()

    _lastingly(edit, lambda: PeriodicTask.objects.get(name=name).enabled == (value == "yes"))


def remove(name: str) -> None:
    """Removes an entry."""

    def edit() -> None:
        for entry in PeriodicTask.objects.filter(name=name):
            # Each by itself: beat is told of those.
            entry.delete()

    _lastingly(edit, lambda: not PeriodicTask.objects.filter(name=name).exists())


def _lastingly(edit: Callable[[], None], is_done: Callable[[], bool]) -> None:
    """Edits until it stays so.

    After each run beat writes the whole row that it has read a moment before: what was edited in between is taken back,
    and what was removed is there again.
    """
    for _ in range(20):
        edit()
        time.sleep(0.3)
        if is_done():
            return
    raise SystemExit("beat takes the edit back again and again")


def backdate(name: str, minutes: str) -> None:
    """Makes the database remember a run so many minutes ago."""
    moment = datetime.now(UTC) - timedelta(minutes=int(minutes))
    PeriodicTask.objects.filter(name=name).update(last_run_at=moment, total_run_count=1)
    PeriodicTasks.update_changed()


EDITS: tuple[Callable[..., None], ...] = (migrate, interval, crontab, start_time, enabled, remove, backdate)

if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    {edit.__name__: edit for edit in EDITS}[what](*arguments)
