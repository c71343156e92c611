"""What stands around the workers breaks at random moments, and every series equals the plan: see `make chaos`."""

import random
from pathlib import Path

import pytest

from tests.acceptance.ledger.conditions import Conditions
from tests.chaos.events import EVENTS, black_hole
from tests.chaos.rounds import Round, run

#: Between them all kinds of events, on processes, threads and greenlets.
SEEDS = (1, 5, 12)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_round_of_chaos_costs_no_count(tmp_path: Path, seed: int) -> None:
    """With collector, Prometheus and network failing at random, every series and span is as planned."""
    assert run(Round.of(seed), tmp_path).total() > 0


def test_the_rounds_have_every_event_and_kind_of_pool() -> None:
    """The three seeds leave nothing out that chaos has."""
    rounds = [Round.of(seed) for seed in SEEDS]
    assert {event.name for event in EVENTS} == {event.name for one in rounds for event in one.events}
    assert {"prefork", "threads", "gevent"} == {one.conditions.pool for one in rounds}


def test_a_black_hole_of_half_a_minute_costs_no_count(tmp_path: Path) -> None:
    """With every export swallowed for 30 s, no series differs from the plan afterwards, and no span is missing."""
    conditions = Conditions(queue="black-hole")
    assert run(Round(random.randrange(1_000_000), conditions, 8, (black_hole(30),)), tmp_path).total() > 0
