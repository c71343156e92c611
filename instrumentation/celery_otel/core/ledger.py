"""The ledger: every attempt that a worker holds, what became of those it held, and one lock around both.

Because a receipt, a start and an end each change the table of open attempts and the counts together, every snapshot
balances: received = the sum of the statuses + returned + active + waiting.

As in bookkeeping there is a journal beside it: receipts, starts and ends are written there as they happen, without a
lock, and posted to the ledger in that order, many at once. One by one, each would find the processor's caches filled by
the worker's own work, and take five times as long. Nothing is read before the journal is posted.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

from celery_otel import names
from celery_otel.core.attempt import Attempt, Owner
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.core.counts import Counts
from celery_otel.core.decision import decide_silent
from celery_otel.core.outcome import TIMED_OUT, Limit, Outcome, ReturnCause
from celery_otel.core.recent import RecentAttempts
from celery_otel.core.remembered import EndedAttempts
from celery_otel.core.run import RunRecord
from celery_otel.metric import Labels, Metric, Value

MANY = 96
"""How many entries are worth posting at once: of about so many thirds of attempts."""
TOO_MANY = 1000
"""How many entries wait for an end at most: a worker may receive as many attempts as it likes before it ends one."""

Entry = tuple[Callable[[Attempt, Any, Any], None], Attempt, Any, Any]
"""What is written into the journal: how it is posted, the attempt, and two things more that depend on it."""


class Ledger:
    """Opens, starts and ends attempts, each exactly once, from any thread.

    Args:
        counts: Where the numbers go.
        worker: The worker's name, for series labelled with it.
        clock: Where the time comes from.

    Attributes:
        ended_too: Called with each attempt that ends or is returned, how, and when (a Unix time); inside the lock, so
            that what it notes and what is counted are one.
        read_too: Gives series that are read with all others, inside the lock: what comes of each end is in the same
            reading as the end.
        describe: Called with each attempt that has no queue yet, to read its headers.
        failed: Takes an exception of what is called here, whose entry is then lost.
    """

    def __init__(
        self,
        counts: Counts,
        *,
        worker: str,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.worker = worker
        self.ended_too: Callable[[Attempt, Outcome, float], None] | None = None
        self.read_too: Callable[[], dict[Metric, dict[Labels, Value]]] = dict
        self.describe: Callable[[Attempt], None] = lambda _: None
        self.failed: Callable[[Exception], None] = _raise
        self._counts = counts
        self._monotonic = clock.monotonic
        self._wall = clock.wall
        self._journal: deque[Entry] = deque()
        self._posting = False
        # Bound once: every entry would bind them anew.
        self._received, self._started, self._ended = self._receive, self._start, self._end
        # Reentrant: Celery's cold shutdown ends attempts inside a signal handler, which may interrupt this very
        # thread while it holds the lock.
        self._lock: AbstractContextManager[object] = threading.RLock()
        self._open: dict[Attempt, None] = {}
        self._memory = EndedAttempts()
        self._recent = RecentAttempts()
        self._declared: dict[str, None] = {}
        # Filled from weak reference callbacks, which may run at any moment on any thread, also inside the lock:
        # appending to a deque is the one thing they do.
        self._dead: deque[Owner] = deque()
        self.silent_cause = ReturnCause.DROPPED
        """Why attempts that Celery lets go of without a word are let go of now."""

    def declare(self, tasks: Iterable[str]) -> None:
        """Makes the series of tasks exist with the value 0."""
        with self._lock:
            for task in tasks:
                self._declared[task] = None
                self._counts.declare(task)

    def count(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        """Adds to a counter that is not about an attempt."""
        with self._lock:
            self._counts.add(metric, *labels, amount=amount)

    def begin_run(self, run: RunRecord) -> None:
        """Makes the series of a run of training or tuning exist."""
        with self._lock:
            self._counts.runs.begun(run)

    def end_run(self, run: RunRecord) -> None:
        """Counts a run that has ended."""
        with self._lock:
            self._counts.runs.ended(run)

    def receive(self, attempt: Attempt, request: object) -> None:
        """Opens an attempt, which lives as long as its request unless it is ended.

        Args:
            attempt: The attempt.
            request: The object that stands for it in Celery.
        """
        attempt.owner = owner = Owner(request, self._dead.append)
        owner.attempt = attempt
        self._journal.append((self._received, attempt, None, None))
        if len(self._journal) >= TOO_MANY:
            self.post()

    def _receive(self, attempt: Attempt, _: None = None, __: None = None) -> None:
        if not attempt.queue:
            self.describe(attempt)
        attempt.outcome = None
        self._open[attempt] = None
        self._counts.received(attempt)

    def start(self, attempt: Attempt, accepted: float) -> None:
        """Marks an attempt as started. One that was returned meanwhile runs all the same: it is received once more.

        Args:
            attempt: The attempt.
            accepted: When the pool accepted it: the monotonic time.
        """
        attempt.accepted = True
        self._journal.append((self._started, attempt, accepted, None))

    def _start(self, attempt: Attempt, accepted: float, _: None) -> None:
        if attempt not in self._open:
            if attempt.outcome is None or attempt.outcome.returned is None:
                return
            self._receive(attempt)
        now = self._monotonic()
        attempt.started_monotonic = min(accepted, now)
        attempt.started_at = self._wall() - (now - attempt.started_monotonic)
        self._counts.started(attempt, attempt.started_at)
        if hash(attempt.identity) in self._memory:
            self._counts.add(names.TASK_DUPLICATES, attempt.task)

    def exceed(self, attempt: Attempt) -> None:
        """Counts a soft time limit that an attempt exceeded."""
        self._journal.append((self._exceed, attempt, Limit.SOFT, None))

    def _exceed(self, attempt: Attempt, limit: Limit, _: None = None) -> None:
        self._counts.add(names.TASK_TIMEOUTS, attempt.task, limit)

    def end(self, attempt: Attempt, outcome: Outcome, runtime: float | None = None) -> bool:
        """Ends an attempt, unless it has ended already.

        Args:
            attempt: The attempt.
            outcome: How it ended.
            runtime: How long it ran in seconds, as its child measured it; else the time since its start.

        Returns:
            Whether the journal was posted with it.
        """
        # Without its owner the request's later death is nobody's business.
        attempt.owner = None
        self._journal.append((self._ended, attempt, outcome, runtime))
        # One that does not say how long it ran has run until now.
        if runtime is not None and len(self._journal) < MANY:
            return False
        self.post()
        return True

    def _end(self, attempt: Attempt, outcome: Outcome, runtime: float | None) -> None:
        if attempt not in self._open:
            return
        del self._open[attempt]
        attempt.outcome = outcome
        if runtime is not None and attempt.started_at is not None:
            now, at = attempt.started_monotonic + runtime, attempt.started_at + runtime
        else:
            now, at = self._monotonic(), self._wall()
        seconds = now - attempt.started_monotonic if runtime is None else runtime
        self._counts.ended(attempt, outcome, seconds, now, at)
        if outcome is TIMED_OUT:
            self._exceed(attempt, Limit.HARD)
        self._recent.add((attempt, outcome, at))
        if self.ended_too is not None:
            self.ended_too(attempt, outcome, at)
        if attempt.started_at is not None and not attempt.requeued:
            self._memory.remember(attempt.identity)

    def post(self) -> None:
        """Enters what is in the journal."""
        with self._lock:
            if self._posting:
                # This thread's own call, which a signal handler has interrupted, goes on with what came meanwhile.
                return
            self._posting = True
            try:
                self._post()
            finally:
                self._posting = False

    def _post(self) -> None:
        while self._journal:
            enter, attempt, one, other = self._journal.popleft()
            try:
                enter(attempt, one, other)
            except Exception as error:  # noqa: BLE001  # one entry that fails is not the end of all others
                self.failed(error)

    def _end_silently(self, attempt: Attempt, cause: ReturnCause) -> None:
        self._end(attempt, decide_silent(attempt, cause), None)

    def _bury(self) -> None:
        """Enters what is in the journal, then ends the attempts whose requests died without a word."""
        self.post()
        while self._dead:
            attempt = self._dead.popleft().attempt
            self._end_silently(attempt, self.silent_cause)

    def give_back(self, cause: ReturnCause, spare: Callable[[Attempt], bool] = lambda _: False) -> None:
        """Ends what is open, because the worker lets go of it.

        Args:
            cause: Why it does.
            spare: Tells which attempts go on all the same.
        """
        with self._lock:
            self._bury()
            for attempt in list(self._open):
                if not spare(attempt):
                    self._end_silently(attempt, cause)

    def close(self) -> None:
        """The worker has stopped: what it held goes back, and every gauge reads 0."""
        with self._lock:
            self.give_back(ReturnCause.SHUTDOWN)
            self._counts.rest()

    def recent(self, since: float = 0.0) -> list[dict[str, object]]:
        """The attempts that ended last, those after a Unix time: see `RecentAttempts.told`."""
        with self._lock:
            self._bury()
            return self._recent.told(since)

    def held(self) -> tuple[int, int]:
        """How many attempts run, and how many wait here: what the gauges say at this moment."""
        with self._lock:
            self._bury()
            active, waiting = self._held()
            return active.total(), waiting

    def _held(self) -> tuple[Counter[str], int]:
        active = Counter(attempt.task for attempt in self._open if attempt.started_at is not None)
        return active, len(self._open) - active.total()

    def read(self) -> dict[Metric, dict[Labels, Value]]:
        """A copy of every series at one moment: it balances."""
        with self._lock:
            self._bury()
            readings = self._counts.read(self.worker, self._monotonic())
            active, waiting = self._held()
            readings[names.ACTIVE_TASKS] = {(task,): active[task] for task in {**self._declared, **active}}
            readings[names.WORKER_POOL_BUSY] = {(self.worker,): active.total()}
            readings[names.WORKER_PREFETCH_COUNT] = {(self.worker,): waiting}
            return {**readings, **self.read_too()}


def _raise(error: Exception) -> None:
    raise error
