"""The run itself: send, watch, wait until all is over, and compare with Prometheus until it is equal."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from celery_otel_pipeline.polling import DeadlineError, wait_until

from .comparison import Query, Row, compare, differing, read
from .conductor import Conductor
from .display import Progress, Screen
from .plan import Plan, Unit
from .witness import Witness

POLL_SECONDS = 0.2
LOOK_EVERY_SECONDS = 1.0
# Longer than an export and a scrape: a number that is right for a moment and then too high is found out.
SETTLE_SECONDS = 4.0
COUNTED = "sum(celery_task_total)"
ACTIVE = "sum by (task_name) (celery_active_tasks) > 0"
OLDEST = "min(timestamp(celery_task_total))"


@dataclass
class Performance:
    """Carries the plan through and says what came of it.

    Attributes:
        plan: What is sent and must happen.
        conductor: Sends and intervenes.
        witness: Knows what happened.
        query: Asks Prometheus.
        check: Raises when a server is gone or the demo is to end.
        screen: Shows the progress.
        deadline: Seconds that the plan may take, and that Prometheus may take after it.
    """

    plan: Plan
    conductor: Conductor
    witness: Witness
    query: Query
    check: Callable[[], None]
    screen: Screen
    deadline: float

    def __post_init__(self) -> None:
        self._looked = 0.0

    def run(self) -> list[Row]:
        """Send everything, wait for its end and return the numbers, equal or not.

        What is returned was asked for once: a second question may meet a scrape that failed, and see nothing.

        Raises:
            ConductorError: The workers did not confirm a revoke.
            StackError: A server ended.
        """
        requests = [unit for unit in self.plan.units if unit.kind == "request"]
        with self.screen.live():
            self.conductor.prepare(self.plan)
            self._send([unit for unit in self.plan.units if unit not in requests])
            # By itself: a child that is killed takes the spans of what it has published within the last second with
            # it, and the trace that is shown is to be whole.
            self._finish(lambda: self._done(requests))
            self._send(requests)
            self._finish(self._done)
            return self.rows_after(time.time() + SETTLE_SECONDS)

    def rows_after(self, moment: float) -> list[Row]:
        """Return the numbers from data younger than a moment, as soon as they are equal or else at the deadline.

        Args:
            moment: Seconds since 1970.

        Raises:
            StackError: A server ended.
        """
        rows: list[Row] = []

        def settled() -> bool:
            self._tick()
            if self._number(OLDEST) < moment:
                return False
            rows[:] = self._rows()
            return not differing(rows)

        self._finish(settled)
        return rows or self._rows()

    def _send(self, units: Sequence[Unit]) -> None:
        for unit in units:
            self.conductor.send(unit)
            self._tick()

    def _finish(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition as long as may be; whether it came, the tables will say."""
        try:
            wait_until(condition, deadline=self.deadline, message="not yet", interval=POLL_SECONDS)
        except DeadlineError:
            self.screen.error(f"Waited {self.deadline:.0f} s in vain.")

    def _done(self, but: Sequence[Unit] = ()) -> bool:
        """Whether all has ended, but for some units."""
        spared = {job.id for unit in but for job in unit.jobs}
        return self._tick() and {job.id for job in self.witness.unfinished(self.plan)} <= spared

    def _tick(self) -> bool:
        self.check()
        self.witness.refresh(self.plan)
        self.conductor.intervene(self.witness.journal)
        if time.monotonic() - self._looked >= LOOK_EVERY_SECONDS:
            self._looked = time.monotonic()
            self.screen.progress(self._progress())
        return True

    def _progress(self) -> Progress:
        active = {sample.labels["task_name"]: round(sample.value) for sample in self.query(ACTIVE)}
        ended = self.witness.ended_attempts(self.plan)
        return Progress(self.plan.attempts, ended, round(self._number(COUNTED)), active)

    def _number(self, expression: str) -> float:
        return sum(sample.value for sample in self.query(expression))

    def _rows(self) -> list[Row]:
        return compare({**self.plan.expected(), **self.witness.best_scores}, read(self.query))
