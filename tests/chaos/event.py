"""The shape of something that goes wrong in a round."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import Steps
from tests.acceptance.ledger.outcome import Expect, Outcome, always
from tests.acceptance.ledger.plan import Plan
from tests.chaos.place import Need, Place


def nothing(_: Conditions) -> Plan:
    """An event that sends no task of its own."""
    return Plan()


def any_outcome(_: Outcome) -> bool:
    """An event that every outcome can be had beside."""
    return True


@dataclass(frozen=True)
class Event:
    """Something that goes wrong.

    Attributes:
        key: What the command line calls it.
        name: What the table calls it.
        steps: Makes it happen, and mends it.
        needs: What it needs beside the scene.
        plan: What its own tasks add.
        possible: Whether it can happen under these conditions.
        allows: Whether an outcome can be had beside it.
        early: Whether it happens before anything is sent, while the workers are idle.
        alone: Whether a round with it has no other.
        planned: Whether it is known in advance what becomes of every attempt; else the workers' logs are asked.
        loses: Whether something may be lost that the round then counts: what a worker has counted since its last
            export, or spans on their way from the collector to Jaeger.
        lasts: How long it takes at least, in seconds, where that is much.
    """

    key: str
    name: str
    steps: Callable[[Place, random.Random], Steps]
    needs: frozenset[Need] = frozenset()
    plan: Expect = nothing
    possible: Callable[[Conditions], bool] = always
    allows: Callable[[Outcome], bool] = any_outcome
    early: bool = False
    alone: bool = False
    planned: bool = True
    loses: bool = False
    lasts: float = 0.0
