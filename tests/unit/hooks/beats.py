"""A beat in a test's hand: Celery's own scheduler, which ticks when it is told to, and its telemetry."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from celery import Celery
from celery.beat import Scheduler

from celery_otel import names
from celery_otel.hooks.beat import BeatTelemetry
from celery_otel.metric import Value
from celery_otel.settings import Settings

HOUR = timedelta(hours=1)


class Exports:
    """A pipeline that notes what it is told."""

    name = "beat@host"

    def __init__(self) -> None:
        self.events: list[str] = []

    def open(self, embedded: bool, *_: Any) -> "Exports":  # noqa: FBT001  # called by position alone
        """It is made."""
        self.events.append("embedded" if embedded else "alone")
        return self

    def start(self) -> None:
        """Beat ticks."""
        self.events.append("start")

    def close(self) -> None:
        """Beat has stopped."""
        self.events.append("close")


class Service:
    """What Celery's beat is to those who hear its signals."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler


class Beat:
    """A beat whose only entry, `hourly`, was last run so long ago; it ticks when it is told to."""

    def __init__(self, scheduler_cls: type[Any] = Scheduler, ago: timedelta = HOUR, runs: int = 1) -> None:
        self.app = Celery("shop", broker="memory://", set_as_current=False)
        self.app.conf.result_expires = None
        entry = {"task": "shop.order", "schedule": 3600.0, "total_run_count": runs}
        self.app.conf.beat_schedule = {"hourly": {**entry, "last_run_at": datetime.now(UTC) - ago}}
        self.scheduler: Any = scheduler_cls(self.app)
        self.exports = Exports()
        self.service = Service(self.scheduler)
        self.telemetry = BeatTelemetry(self.service, Settings.read({}), self.exports.open)

    def read(self, metric: Any, *labels: str) -> Value | None:
        """The value of a series, None if there is none."""
        return self.telemetry.counts.read().get(metric, {}).get(labels)

    def missed(self, entry: str = "hourly") -> Value | None:
        """How many runs of an entry were missed."""
        return self.read(names.BEAT_MISSED, entry)

    def last_fire(self, entry: str = "hourly") -> Value | None:
        """When an entry was last fired."""
        return self.read(names.BEAT_ENTRY_LAST_FIRE_TIMESTAMP, entry)

    def last_run(self, entry: str = "hourly") -> float:
        """When an entry was last run, as its schedule remembers it."""
        return float(self.scheduler.schedule[entry].last_run_at.timestamp())

    def errors(self) -> dict[str, Value]:
        """How often each hook failed."""
        return {hook: value for (hook,), value in self.telemetry.counts.read()[names.CELERY_OTEL_HOOK_ERRORS].items()}


Make = Callable[..., Beat]


def fail(*_: Any, **__: Any) -> NoReturn:
    """What is broken."""
    raise RuntimeError("broken on purpose")
