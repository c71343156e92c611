"""The runs of training and tuning that are open on one worker: each is counted once, when it ends or cannot go on.

A run ends with its own last record. Whoever is killed sends none: its process is watched from the first record on, and
a run whose process is gone has failed, as one has that is still open when its worker ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.core.run import FAILURE, RunRecord

REMEMBERED = 10_000
"""How many ended runs are remembered: a record that comes late opens none of them anew."""

MOST = 10_000
"""How many runs are open at most: beyond, the oldest has failed. No worker runs as many; what comes through a socket
must not fill its memory all the same."""

IsGone = Callable[[], bool]


@dataclass(slots=True)
class _Open:
    """An open run.

    Attributes:
        record: What is known of it.
        since: The monotonic time of its first record.
        is_gone: Tells whether its process is gone.
    """

    record: RunRecord
    since: float
    is_gone: IsGone


class Runs:
    """The runs of one worker. Not thread-safe by itself: who drains the relay tells it what came, under one lock.

    Args:
        begun: Called with the first record of each run.
        ended: Called with the last record of each run, whose seconds and result are set.
        watch: Gives what tells whether a process is gone, by its process id.
        clock: Where the time comes from.
    """

    def __init__(
        self,
        begun: Callable[[RunRecord], None],
        ended: Callable[[RunRecord], None],
        watch: Callable[[int], IsGone],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._begun = begun
        self._ended = ended
        self._watch = watch
        self._clock = clock
        self._open: dict[str, _Open] = {}
        # In the order of their ends, which a set does not keep.
        self._closed: dict[str, None] = {}

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def take(self, record: RunRecord) -> None:
        """Takes a record: the first opens a run, the last ends it, and every other replaces the one before."""
        if record.id in self._closed:
            return
        if record.id not in self._open:
            self._begun(record)
        if record.result is not None:
            self._end(record)
            return
        self._keep(record)

    def gone(self) -> list[str]:
        """The ids of the open runs whose process is gone: nothing new comes of them, but for what is on its way."""
        return [name for name, run in list(self._open.items()) if run.is_gone()]

    def of_process(self, pid: int) -> list[str]:
        """The ids of the open runs of a process."""
        return [name for name, run in list(self._open.items()) if run.record.pid == pid]

    def fail(self, names: list[str]) -> None:
        """Ends these runs as failures, those that are still open."""
        for name in names:
            run = self._open.get(name)
            if run is not None:
                seconds = max(0.0, self._clock.monotonic() - run.since)
                self._end(replace(run.record, seconds=seconds, result=FAILURE))

    def fail_all(self) -> None:
        """Ends all open runs as failures."""
        self.fail(list(self._open))

    def _keep(self, record: RunRecord) -> None:
        run = self._open.get(record.id)
        if run is not None:
            run.record = record
            return
        if len(self._open) >= MOST:
            self.fail([next(iter(self._open))])
        self._open[record.id] = _Open(record, self._since(record), self._watch(record.pid))

    def _since(self, record: RunRecord) -> float:
        """The monotonic time of a run's beginning: not of its first record's arrival, which may have waited."""
        return self._clock.monotonic() - max(0.0, self._clock.wall() - record.began)

    def _end(self, record: RunRecord) -> None:
        self._open.pop(record.id, None)
        self._closed[record.id] = None
        if len(self._closed) > REMEMBERED:
            del self._closed[next(iter(self._closed))]
        self._ended(record)
