"""The whole table of outcomes, and what a run of them must leave in Prometheus."""

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.outcome import Outcome
from tests.acceptance.ledger.outcomes_messages import MESSAGES
from tests.acceptance.ledger.outcomes_plain import PLAIN
from tests.acceptance.ledger.outcomes_violent import VIOLENT
from tests.acceptance.ledger.plan import Plan, multiplied, total

OUTCOMES: tuple[Outcome, ...] = (*PLAIN, *MESSAGES, *VIOLENT)


def possible(conditions: Conditions) -> list[Outcome]:
    """The outcomes that can be had under these conditions."""
    return [outcome for outcome in OUTCOMES if outcome.possible(conditions)]


def planned(outcomes: list[Outcome], conditions: Conditions) -> Plan:
    """What all occurrences of these outcomes add together."""
    return total(*(multiplied(outcome.expect(conditions), outcome.times) for outcome in outcomes))
