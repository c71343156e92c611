"""A ledger whose books are kept on disk: every change is posted and written at once, not many of them later."""

from collections.abc import Iterable

from celery_otel import names
from celery_otel.core.attempt import Attempt
from celery_otel.core.clock import Clock
from celery_otel.core.counts import Counts
from celery_otel.core.ledger import Ledger
from celery_otel.core.outcome import Outcome, ReturnCause
from celery_otel.core.run import RunRecord
from celery_otel.state.state import State


class KeptLedger(Ledger):
    """The ledger of a worker that has a state.

    Args:
        counts: Where the numbers go, in the state's tables.
        state: The state.
        worker: The worker's name.
        clock: Where the time comes from.
    """

    def __init__(self, counts: Counts, state: State, *, worker: str, clock: Clock) -> None:
        super().__init__(counts, worker=worker, clock=clock)
        self._lock = state.journal
        self._open = state.open
        self._memory = state.ended
        self._state = state

    def end_what_was_killed(self) -> None:
        """Ends what the worker before had open when it was killed."""
        with self._lock:
            self.give_back(ReturnCause.KILLED)
            for run in self._state.left_runs():
                self.end_run(run)

    def declare(self, tasks: Iterable[str]) -> None:
        """Makes the series of tasks exist with the value 0, that of those that are killed too."""
        with self._lock:
            tasks = list(tasks)
            super().declare(tasks)
            for task in tasks:
                self.count(names.TASK_RETURNED, task, ReturnCause.KILLED, amount=0)

    def begin_run(self, run: RunRecord) -> None:
        """Makes the series of a run exist, and notes that it is open."""
        with self._lock:
            super().begin_run(run)
            self._state.begun(run)

    def end_run(self, run: RunRecord) -> None:
        """Counts a run that has ended."""
        with self._lock:
            super().end_run(run)
            self._state.over(run.id)

    def receive(self, attempt: Attempt, request: object) -> None:
        """Opens an attempt."""
        super().receive(attempt, request)
        self.post()

    def start(self, attempt: Attempt, accepted: float) -> None:
        """Marks an attempt as started."""
        super().start(attempt, accepted)
        self.post()

    def exceed(self, attempt: Attempt) -> None:
        """Counts a soft time limit that an attempt exceeded."""
        super().exceed(attempt)
        self.post()

    def end(self, attempt: Attempt, outcome: Outcome, runtime: float | None = None) -> bool:
        """Ends an attempt, unless it has ended already; always posted."""
        if not super().end(attempt, outcome, runtime):
            self.post()
        return True
