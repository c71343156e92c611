"""Everything that celery-otel has in the process of a beat, and the one place that knows Celery's schedulers."""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.util import Finalize
from typing import Any, Protocol

from celery import signals

from celery_otel import names
from celery_otel.core.beat import BeatCounts
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.failures import FailureLog, HookFailures
from celery_otel.hooks.installed import connected, surrounded
from celery_otel.hooks.publish_watch import PublishWatch
from celery_otel.hooks.resources import NoResources, OpenResources, Resources
from celery_otel.hooks.schedules import due_runs, utc
from celery_otel.metric import Labels, Metric, Value
from celery_otel.settings import Settings

HOOKS = ("start", "tick", "entries", "reserve", "apply_async", "resources")
"""Values of the label `hook`."""

Reader = Callable[[], dict[Metric, dict[Labels, Value]]]


class Pipeline(Protocol):
    """What carries the readings away."""

    @property
    def name(self) -> str:
        """Under which name."""

    def start(self) -> None:
        """Begins to export."""

    def close(self) -> None:
        """Exports a last time, for a bounded time, and ends."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that the scheduler is about to make.

    Attributes:
        at: Its time, which becomes the entry's `last_run_at`, as a Unix time.
        due: How many runs of the entry were due by then, this one included.
    """

    at: float
    due: int


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """An entry as it was seen last.

    Attributes:
        schedule: Its schedule; None if it is not in the scheduler's own table.
        since: From when on it is so; None if it was when beat started.
    """

    schedule: Any
    since: datetime | None


class SchedulerWatch:
    """Watches one scheduler of Celery, of whatever class, by what is put around three methods of that one object.

    Args:
        scheduler: Celery's scheduler.
        counts: Where it is counted.
        failures: Takes what goes wrong here.
        ticking: Called at each tick; raises nothing.
        clock: Where the time comes from.
    """

    def __init__(
        self,
        scheduler: Any,
        counts: BeatCounts,
        failures: HookFailures,
        ticking: Callable[[], None],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._scheduler = scheduler
        self._counts = counts
        self._failures = failures
        self._ticking = ticking
        self._clock = clock
        self._seen: Any = None
        self._known: dict[str, KnownEntry] = {}
        self._reserved: dict[str, Run] = {}
        self._publish = PublishWatch()
        self._stack = ExitStack()
        for name, around in (("tick", self._tick), ("reserve", self._reserve), ("apply_async", self._apply_async)):
            self._stack.enter_context(surrounded(scheduler, name, around))
        # Last, since it stays for good if one of the others cannot be put in.
        self._stack.enter_context(self._publish.connected())

    def release(self) -> None:
        """Leaves the scheduler as it was."""
        self._stack.close()

    def _tick(self, tick: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with self._failures.taken("tick"):
            self._counts.ticked()
        self._ticking()
        try:
            interval = tick(*args, **kwargs)
        except BaseException:
            # Also the SystemExit of a beat that is told to end, wherever it is.
            self._settle_rest(sent=self._publish.published)
            raise
        # A scheduler that sends in a way of its own, without apply_async, has done so by now.
        self._settle_rest(sent=True)
        self._look()
        return interval

    def _reserve(self, reserve: Callable[..., Any], entry: Any, *args: Any, **kwargs: Any) -> Any:
        # It may have been changed in this very tick. Looked at before: some schedulers change the entry itself.
        self._look()
        last = getattr(entry, "last_run_at", None)
        self._publish.begin(getattr(entry, "task", None))
        following = reserve(entry, *args, **kwargs)
        with self._failures.taken("reserve"):
            name, at = str(entry.name), utc(following.last_run_at)
            # Beat may be told to end while it is being found out how many were due.
            self._reserved[name] = Run(at.timestamp(), 1)
            self._reserved[name] = self._run(entry, utc(last), at)
        return following

    def _apply_async(self, apply_async: Callable[..., Any], entry: Any, *args: Any, **kwargs: Any) -> Any:
        self._publish.begin(getattr(entry, "task", None))
        try:
            result = apply_async(entry, *args, **kwargs)
        except BaseException:
            self._settle(entry, sent=self._publish.published)
            raise
        self._settle(entry, sent=True)
        return result

    def _run(self, entry: Any, last: datetime, at: datetime) -> Run:
        known = self._known.get(str(entry.name))
        since = known.since if known is not None else None
        # django-celery-beat dates the last run of an entry that never ran back by decades.
        start = getattr(getattr(entry, "model", None), "start_time", None)
        if start is not None and last < utc(start):
            since = max(utc(start), since or utc(start))
        return Run(at.timestamp(), due_runs(entry.schedule, last, at, since))

    def _settle_rest(self, *, sent: bool) -> None:
        with self._failures.taken("tick"):
            while self._reserved:
                self._count(*self._reserved.popitem(), sent=sent)

    def _settle(self, entry: Any, *, sent: bool) -> None:
        with self._failures.taken("apply_async"):
            name = str(entry.name)
            self._count(name, self._reserved.pop(name, Run(self._clock.wall(), 1)), sent=sent)

    def _count(self, name: str, run: Run, *, sent: bool) -> None:
        if sent:
            self._counts.fired(name, run.at, run.due - 1)
        else:
            self._counts.missed(name, run.due)

    def _look(self) -> None:
        """Looks at the entries if they have changed: then the scheduler has made a new copy of its table."""
        with self._failures.taken("entries"):
            table = getattr(self._scheduler, "old_schedulers", None)
            if table is None or table is self._seen:
                return
            now = None if self._seen is None else datetime.fromtimestamp(self._clock.wall(), UTC)
            # First of all: what fails now is not tried again before the next change.
            self._seen = table
            entries = last_fires(self._scheduler, table)
            self._known = {name: self._recognised(name, table.get(name), now) for name in entries}
            self._counts.replace_entries(entries)

    def _recognised(self, name: str, entry: Any, now: datetime | None) -> KnownEntry:
        schedule = getattr(entry, "schedule", None)
        before = self._known.get(name)
        if before is None:
            return KnownEntry(schedule, now)
        if schedule is None:
            return before
        if before.schedule is None:
            return KnownEntry(schedule, before.since)
        return before if before.schedule == schedule else KnownEntry(schedule, now)


def last_fires(scheduler: Any, table: Mapping[str, Any]) -> dict[str, float | None]:
    """The entries of a scheduler, each with the time of its last run, None if it is not known to have run.

    django-celery-beat leaves entries out of its table while they are hours away: its database is asked instead.

    Args:
        scheduler: Celery's scheduler.
        table: Its own table of entries.
    """
    enabled = getattr(getattr(getattr(scheduler, "Model", None), "objects", None), "enabled", None)
    if enabled is None:
        rows = [(name, entry.last_run_at, entry.total_run_count) for name, entry in table.items()]
    else:
        rows = list(enabled().values_list("name", "last_run_at", "total_run_count"))
    # One that never ran has the time of its making as its last run.
    return {str(name): utc(last).timestamp() if last and runs else None for name, last, runs in rows}


class BeatTelemetry:
    """The telemetry of one beat: made when it starts, closed when its process ends.

    Args:
        service: Celery's beat service.
        settings: The options.
        open_pipeline: Makes the pipeline from whether beat is embedded in a worker, what reads the series, and what
            counts a failed export.
        open_resources: Makes what reads the resources of a beat that is not embedded.
        clock: Where the time comes from.
    """

    def __init__(
        self,
        service: Any,
        settings: Settings,
        open_pipeline: Callable[[bool, Reader, Callable[[str], None]], Pipeline],
        open_resources: OpenResources = lambda *_: None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.service = service
        self._open_resources = open_resources
        self._resources: Resources = NoResources()
        self._pid = os.getpid()
        self._open_pipeline = open_pipeline
        self._pipeline: Pipeline | None = None
        self._embedded = False
        self._opened = False
        self.counts = BeatCounts(settings.max_entries, clock)
        self._failures = HookFailures(self._count_hook_error, FailureLog(clock))
        self._stack = ExitStack()
        self._declare(settings)
        self._install(clock)

    def close(self) -> None:
        """Beat has stopped: exports a last time. Nothing in a child, or twice."""
        if os.getpid() != self._pid:
            return
        self._stack.close()
        with self._failures.taken("resources"):
            self._resources.close()
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()

    def _declare(self, settings: Settings) -> None:
        for hook in HOOKS:
            self.counts.count(names.CELERY_OTEL_HOOK_ERRORS, hook, amount=0)
        for exporter in settings.exporters:
            self.counts.count(names.CELERY_OTEL_EXPORT_FAILURES, exporter, amount=0)

    def _install(self, clock: Clock) -> None:
        watch = SchedulerWatch(self.service.scheduler, self.counts, self._failures, self._open, clock)
        self._stack.callback(watch.release)
        self._stack.enter_context(connected(signals.beat_embedded_init, self._on_embedded))
        # Not atexit: an embedded beat is a process of billiard's, which ends without it.
        self._stack.callback(Finalize(None, self.close, exitpriority=0).cancel)

    def _on_embedded(self, sender: Any = None, **_: Any) -> None:
        if sender is self.service:
            self._embedded = True

    def _open(self) -> None:
        """The first tick: by now it is known whether beat is embedded."""
        if self._opened:
            return
        self._opened = True
        with self._failures.taken("start"):
            self._pipeline = self._open_pipeline(self._embedded, self._read, self._count_export_failure)
            if not self._embedded:
                self._watch_resources(self._pipeline.name)
            self._pipeline.start()

    def _watch_resources(self, name: str) -> None:
        with self._failures.taken("resources"):
            self._resources = self._open_resources(name, self._failures) or NoResources()
            self._resources.start()

    def _read(self) -> dict[Metric, dict[Labels, Value]]:
        return {**self.counts.read(), **self._resources.read()}

    def _count_hook_error(self, hook: str) -> None:
        self.counts.count(names.CELERY_OTEL_HOOK_ERRORS, hook)

    def _count_export_failure(self, exporter: str) -> None:
        self.counts.count(names.CELERY_OTEL_EXPORT_FAILURES, exporter)
