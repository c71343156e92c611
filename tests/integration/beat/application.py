"""An application with a schedule.

`BEAT_SCHEDULE` says which, `BEAT_CLOSING` how many seconds it takes to save it at the end, and `BROKEN_HOOK` breaks
what one of our hooks needs.
"""

import json
import os
import time
from pathlib import Path
from typing import Any, NoReturn

from celery import Celery
from celery.beat import PersistentScheduler
from celery.schedules import crontab

import celery_otel
from celery_otel.core.beat import BeatCounts
from tests.integration.beat.journal import Journal, Journalled
from tests.integration.beat.shared import BREAKABLE, SHOP, TASK


class Scheduler(Journalled, PersistentScheduler):
    """Celery's own scheduler, with a journal."""

    def close(self) -> None:
        """Beat ends."""
        time.sleep(float(os.environ.get("BEAT_CLOSING", "0")))
        super().close()


def _entry(timing: float | dict[str, str]) -> dict[str, Any]:
    return {"task": TASK, "schedule": crontab(**timing) if isinstance(timing, dict) else timing}


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
