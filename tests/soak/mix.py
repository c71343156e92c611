"""What the workers run: outcomes of the ledger that take no time of their own, mostly successes."""

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import Stage
from tests.acceptance.ledger.outcome import Outcome
from tests.acceptance.ledger.outcomes_plain import PLAIN
from tests.acceptance.ledger.plan import Plan, multiplied, total

CONDITIONS = Conditions(queue="soak")
#: How many of each there are in a round.
WEIGHTS = {
    "success": 40,
    "returns None, 0 s": 40,
    "exception": 2,
    "exception in throws": 1,
    "unpicklable exception": 1,
    "exception that cannot be rebuilt": 1,
    "unserialisable result": 1,
    "retry, with a cause": 2,
    "autoretry_for": 2,
    "retries exhausted": 1,
    "Ignore": 2,
    "Reject": 2,
    "custom Task.Request": 1,
    "Task.replace": 1,
}
MIX: tuple[tuple[Outcome, int], ...] = tuple(
    (outcome, WEIGHTS[outcome.name]) for outcome in PLAIN if outcome.name in WEIGHTS
)


def send_round(stage: Stage) -> None:
    """Send every outcome as often as it occurs in a round."""
    for outcome, times in MIX:
        for _ in range(times):
            for _condition in outcome.act(stage):
                raise ValueError(f"{outcome.name} waits for a sign, which a soak has nobody for: leave it out")


def planned(rounds: int) -> Plan:
    """What so many rounds add to which series."""
    once = total(*(multiplied(outcome.expect(CONDITIONS), times) for outcome, times in MIX))
    return multiplied(once, rounds)


def attempts(plan: Plan) -> int:
    """How many attempts a plan has."""
    return sum(number for series, number in plan.items() if series.metric == "celery_task_received_total")
