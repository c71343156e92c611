"""One whole run of the ledger: play every outcome, wait until all is over, compare, and keep the table."""

import os
import random
import re
from collections.abc import Callable
from dataclasses import replace

from celery_otel_pipeline.polling import wait_until
from tests.acceptance.ledger.balance import Reading, differences, unexplained
from tests.acceptance.ledger.driver import PATIENCE, Driver, Steps
from tests.acceptance.ledger.equation import received, violations
from tests.acceptance.ledger.outcome import MANY, Outcome, Phase
from tests.acceptance.ledger.outcomes import planned, possible
from tests.acceptance.ledger.plan import Plan, count, total
from tests.acceptance.ledger.scene import Scene
from tests.acceptance.ledger.table import Table, rows

#: How long a phase may take in which servers are stopped and started again, in seconds.
OUTAGE_PATIENCE = 120.0
#: What Celery's autoscaler logs.
SCALED_UP = re.compile(r"Scaling up (\d+) processes")


def seed() -> int:
    """The order of a run: a new one each time, or the one that LEDGER_SEED repeats."""
    return int(os.environ.get("LEDGER_SEED") or random.randrange(1_000_000))


def play(
    scene: Scene, outcomes: list[Outcome], order: int, *events: tuple[str, Steps], patience: float = PATIENCE
) -> None:
    """Bring every outcome about and return when nothing is left in queues and workers.

    Args:
        scene: Where.
        outcomes: What.
        order: The seed.
        events: What happens to the surroundings in the middle of it, as occurrences among the others.
        patience: How long a phase may take, in seconds: longer than what the events do.
    """
    print(f"ledger: {scene.job}, seed {order}")  # noqa: T201 - so that a failed run can be repeated
    scene.stage.revoke_ahead(MANY)
    for phase in Phase:
        occurrences = [
            pair for outcome in outcomes if outcome.phase is phase for pair in outcome.occurrences(scene.stage)
        ]
        Driver(order, patience).play([*occurrences, *events] if phase is Phase.STORM else occurrences)
        if phase is not Phase.IDLE:
            wait_until(scene.stage.idle, deadline=PATIENCE, message="the workers do not come to rest")


def thinned(outcomes: list[Outcome], times: int) -> list[Outcome]:
    """The same outcomes, each at most so often: for runs in which an attempt costs more."""
    return [replace(outcome, times=min(times, outcome.times)) for outcome in outcomes]


def run_plan(scene: Scene, outcomes: list[Outcome]) -> Plan:
    """All that these outcomes add, with the children that have been replaced so far."""
    return total(planned(outcomes, scene.conditions), restarts(scene))


def restarts(scene: Scene) -> Plan:
    """The children that replaced others: all that were born, but for the first ones and those the pools grew by.

    Which child a kill costs is not planned: one that dies before MAIN knows what it took is replaced, and the task
    given to the next, which dies too.
    """
    if not scene.conditions.processes:
        return Plan()
    workers = (scene.first, scene.second)
    grown = sum(int(number) for worker in workers for number in SCALED_UP.findall(worker.log))
    born = sum(scene.journal.children(name) for name in ("first", "second"))
    return count("celery_worker_child_restarts_total", born - scene.first_children - grown)


def all_outcomes(scene: Scene) -> list[Outcome]:
    """Every outcome that can be had in this scene."""
    return possible(scene.conditions)


def compare(scene: Scene, plan: Callable[[], Plan], outcomes: list[Outcome], order: int) -> Reading:
    """Wait until the numbers have settled, print and keep the table, and hold everything against the plan.

    Args:
        scene: The run.
        plan: What must be there; asked again while the numbers settle, where a part of the truth is still being made.
        outcomes: What was played: the rows of the table.
        order: The seed.

    Returns:
        What was compared.

    Raises:
        AssertionError: something is not as planned.
    """
    reading, truth = scene.settled(plan)
    table_rows = rows(outcomes, scene.conditions, reading.totals())
    result = Table(scene.job, str(scene.conditions), order, table_rows)
    print(result)  # noqa: T201 - the table is the run's product
    result.keep()
    assert_balanced(scene, reading, truth)
    return reading


def assert_balanced(scene: Scene, reading: Reading, plan: Plan) -> None:
    """Hold everything that Prometheus has, and every export on the way there, against the plan.

    Raises:
        AssertionError: with a line for each series that differs or has no business to exist, for each export in
            which the equation does not hold, and for each kind of span of which there is not one for each attempt.
    """
    exports = scene.pipeline.tap.exports(scene.job)
    wrong = [str(difference) for difference in differences(plan, scene.comparable(reading))]
    foreign = [f"unexplained series {series}" for series in unexplained(reading, plan, scene.tasks)]
    unequal = [f"equation: {line}" for line in violations(exports)]
    blind = [] if any(received(export) for export in exports) else ["the equation was checked in no export at all"]
    lines = [*wrong, *foreign, *reading.lost_samples(), *unequal, *blind, *scene.span_differences(plan)]
    if lines:
        raise AssertionError("the ledger does not balance:\n" + "\n".join(lines))
