"""An application with a schedule.

`BEAT_SCHEDULE` says which, `BEAT_LAST_RUN` how many seconds ago the entries of a new one were last run, `BEAT_SENDING`
how many a publish takes, `BEAT_CLOSING` how many the end takes before it saves the schedule, and `BROKEN_HOOK` breaks
what one of our hooks needs.
"""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from celery import Celery
from celery.beat import PersistentScheduler
from celery.schedules import crontab

import celery_otel
from celery_otel.core.beat import BeatCounts
from tests.integration.beat.journal import Journal, Journalled
from tests.integration.beat.shared import BREAKABLE, SHOP, TASK


class Unhurried(PersistentScheduler):
    """Celery's own scheduler, which takes its time."""

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        """An entry's task is sent."""
        time.sleep(float(os.environ.get("BEAT_SENDING", "0")))
        return super().apply_async(*args, **kwargs)

    def close(self) -> None:
        """Beat ends."""
        time.sleep(float(os.environ.get("BEAT_CLOSING", "0")))
        super().close()


class Scheduler(Journalled, Unhurried):
    """It has a journal."""


def _entry(timing: float | dict[str, str]) -> dict[str, Any]:
    entry = {"task": TASK, "schedule": crontab(**timing) if isinstance(timing, dict) else timing}
    ago = os.environ.get("BEAT_LAST_RUN")
    return {**entry, "last_run_at": datetime.now(UTC) - timedelta(seconds=float(ago))} if ago else entry


app = Celery(SHOP, broker="redis://unset")
app.journal = Journal(Path(os.environ.get("BEAT_JOURNAL", os.devnull)))
app.conf.broker_connection_retry_on_startup = True
app.conf.beat_schedule = {
    name: _entry(timing) for name, timing in json.loads(os.environ.get("BEAT_SCHEDULE", "{}")).items()
}
app.conf.task_default_queue = os.environ.get("BEAT_QUEUE", "celery")


@app.task(name=TASK)
def order() -> None:
    """Does nothing."""


def _broken(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError("broken on purpose")


if hook := os.environ.get("BROKEN_HOOK"):
    setattr(BeatCounts, BREAKABLE[hook], _broken)

celery_otel.instrument(app)
