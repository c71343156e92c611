"""What is known of one beat: when it ticked, when its entries were fired, and how many of their runs were missed."""

import threading
from collections.abc import Mapping

from celery_otel import names
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.core.counts import CountOverflow
from celery_otel.core.labels import OVERFLOW, BoundedLabel
from celery_otel.core.tables import CounterTable
from celery_otel.metric import Labels, Metric, Value

COUNTERS = (
    names.BEAT_MISSED,
    names.CELERY_OTEL_LABEL_OVERFLOW,
    names.CELERY_OTEL_HOOK_ERRORS,
    names.CELERY_OTEL_EXPORT_FAILURES,
)


class BeatCounts:
    """The numbers of one beat, from any thread. Times are Unix times in seconds.

    Args:
        max_entries: How many names of entries become label values.
        clock: Where the time comes from.
    """

    def __init__(self, max_entries: int, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counters = {metric: CounterTable() for metric in COUNTERS}
        overflows = self._counters[names.CELERY_OTEL_LABEL_OVERFLOW]
        overflows.add("entry", amount=0)
        self._label = BoundedLabel(max_entries, CountOverflow(overflows, "entry"))
        self._entries: dict[str, str] = {}
        self._last_tick: float | None = None
        self._last_fire: dict[str, float] = {}

    def count(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        """Adds to a counter that is not about an entry."""
        with self._lock:
            self._counters[metric].add(*labels, amount=amount)

    def ticked(self) -> None:
        """The scheduler's loop came round."""
        with self._lock:
            self._last_tick = self._clock.wall()

    def replace_entries(self, entries: Mapping[str, float | None]) -> None:
        """Takes over the entries of the schedule. One that is gone has no last fire any more; its counter stays.

        Args:
            entries: The names, each with the time of its last run as far as the schedule remembers one. That is taken
                from entries that are new: a schedule remembers a run also if its task could not be sent.
        """
        with self._lock:
            for entry in self._entries.keys() - entries.keys():
                self._forget(entry)
            for entry in [name for name in entries if name not in self._entries]:
                self._welcome(entry, entries[entry])

    def fired(self, entry: str, at: float, missed: int) -> None:
        """An entry's task was sent.

        Args:
            entry: The entry's name.
            at: When its run began.
            missed: How many of its runs were due before this one and not sent.
        """
        with self._lock:
            self._count_missed(entry, missed)
            self._fire(entry, at)

    def missed(self, entry: str, runs: int) -> None:
        """Runs of an entry were due and not sent."""
        with self._lock:
            self._count_missed(entry, runs)

    def read(self) -> dict[Metric, dict[Labels, Value]]:
        """A copy of every series at one moment."""
        with self._lock:
            readings: dict[Metric, dict[Labels, Value]] = {
                metric: dict(table) for metric, table in self._counters.items()
            }
            readings[names.BEAT_ENTRY_LAST_FIRE_TIMESTAMP] = {(label,): at for label, at in self._last_fire.items()}
            if self._last_tick is not None:
                readings[names.BEAT_LAST_TICK_TIMESTAMP] = {(): self._last_tick}
            return readings

    def _welcome(self, entry: str, at: float | None) -> None:
        self._entries[entry] = self._label(entry)
        self._count_missed(entry, 0)
        if at is not None:
            self._fire(entry, at)

    def _forget(self, entry: str) -> None:
        label = self._entries.pop(entry)
        # Others may still stand behind the overflow's label.
        if label != OVERFLOW:
            self._last_fire.pop(label, None)

    def _fire(self, entry: str, at: float) -> None:
        label = self._labelled(entry)
        if label == OVERFLOW:
            # The newest of all that stand behind it.
            at = max(at, self._last_fire.get(label, at))
        self._last_fire[label] = at

    def _count_missed(self, entry: str, runs: int) -> None:
        self._counters[names.BEAT_MISSED].add(self._labelled(entry), amount=runs)

    def _labelled(self, entry: str) -> str:
        return self._entries.get(entry) or self._label(entry)
