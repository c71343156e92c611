"""The ledger: every attempt that a worker holds, what became of those it held, and one lock around both.

Because a receipt, a start and an end each change the table of open attempts and the counts together, every snapshot
balances: received = the sum of the statuses + returned + active + waiting.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable

from celery_otel import names
from celery_otel.core.attempt import Attempt, Owner
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.core.counts import Counts
from celery_otel.core.decision import decide_silent
from celery_otel.core.outcome import Limit, Outcome, ReturnCause
from celery_otel.core.remembered import EndedAttempts
from celery_otel.metric import Labels, Metric, Value


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
    """

    def __init__(
        self,
        counts: Counts,
        *,
        worker: str,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.worker = worker
        self.ended_too: Callable[[Attempt, Outcome, float], None] = lambda *_: None
        self.read_too: Callable[[], dict[Metric, dict[Labels, Value]]] = dict
        self._counts = counts
        self._clock = clock
        # Reentrant: Celery's cold shutdown ends attempts inside a signal handler, which may interrupt this very
        # thread while it holds the lock.
        self._lock = threading.RLock()
        self._open: dict[Attempt, None] = {}
        self._ended = EndedAttempts()
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

    def receive(self, attempt: Attempt, request: object) -> None:
        """Opens an attempt, which lives as long as its request unless it is ended."""
        with self._lock:
            self._receive(attempt, request)

    def _receive(self, attempt: Attempt, request: object) -> None:
        attempt.owner = owner = Owner(request, self._dead.append)
        owner.attempt = attempt
        attempt.outcome = None
        self._open[attempt] = None
        self._counts.received(attempt)

    def start(self, attempt: Attempt, request: object, started_monotonic: float) -> None:
        """Marks an attempt as started.

        Args:
            attempt: The attempt. One that was returned meanwhile runs all the same: it is received once more.
            request: The object that stands for it in Celery.
            started_monotonic: When the pool accepted it.
        """
        now = self._clock.monotonic()
        with self._lock:
            if attempt.outcome is not None and attempt.outcome.returned is None:
                return
            if attempt.outcome is not None:
                self._receive(attempt, request)
            attempt.started_monotonic = min(started_monotonic, now)
            attempt.started_at = self._clock.wall() - (now - attempt.started_monotonic)
            self._counts.started(attempt, attempt.started_at)
            if attempt.identity in self._ended:
                self._counts.add(names.TASK_DUPLICATES, attempt.task)

    def exceed(self, attempt: Attempt, limit: Limit) -> None:
        """Counts a time limit that an attempt exceeded."""
        with self._lock:
            self._counts.add(names.TASK_TIMEOUTS, attempt.task, limit)

    def end(self, attempt: Attempt, outcome: Outcome, runtime: float | None = None) -> bool:
        """Ends an attempt, unless it has ended already.

        Args:
            attempt: The attempt.
            outcome: How it ended.
            runtime: How long it ran in seconds, as its child measured it; else the time since its start.

        Returns:
            Whether this call ended it.
        """
        with self._lock:
            return self._end(attempt, outcome, runtime)

    def _end(self, attempt: Attempt, outcome: Outcome, runtime: float | None = None) -> bool:
        if attempt.outcome is not None:
            return False
        del self._open[attempt]
        attempt.outcome = outcome
        now = self._clock.monotonic()
        seconds = now - attempt.started_monotonic if runtime is None else runtime
        at = self._clock.wall() if runtime is None or attempt.started_at is None else attempt.started_at + runtime
        self._counts.ended(attempt, outcome, seconds, now, at)
        self.ended_too(attempt, outcome, at)
        if attempt.started_at is not None and not attempt.requeued:
            self._ended.add(attempt.identity)
        # Without its owner the request's later death is nobody's business.
        attempt.owner = None
        return True

    def _bury(self) -> None:
        """Ends the attempts whose requests died without a word."""
        while self._dead:
            attempt = self._dead.popleft().attempt
            self._end(attempt, decide_silent(attempt, self.silent_cause))

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
                    self._end(attempt, decide_silent(attempt, cause))

    def close(self) -> None:
        """The worker has stopped: what it held goes back, and every gauge reads 0."""
        with self._lock:
            self.give_back(ReturnCause.SHUTDOWN)
            self._counts.rest()

    def read(self) -> dict[Metric, dict[Labels, Value]]:
        """A copy of every series at one moment: it balances."""
        with self._lock:
            self._bury()
            readings = self._counts.read(self.worker, self._clock.monotonic())
            active = Counter(attempt.task for attempt in self._open if attempt.started_at is not None)
            waiting = len(self._open) - active.total()
            readings[names.ACTIVE_TASKS] = {(task,): active[task] for task in {**self._declared, **active}}
            readings[names.WORKER_POOL_BUSY] = {(self.worker,): active.total()}
            readings[names.WORKER_PREFETCH_COUNT] = {(self.worker,): waiting}
            return {**readings, **self.read_too()}
