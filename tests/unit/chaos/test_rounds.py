"""What a seed makes of a round, and what the page says of rounds."""

import json
from pathlib import Path

import pytest

from tests.acceptance.ledger.conditions import Conditions
from tests.chaos.events import EVENTS
from tests.chaos.figures import keep, table
from tests.chaos.result import Result
from tests.chaos.rounds import Round


@pytest.mark.parametrize("key", [event.key for event in EVENTS])
def test_a_round_of_one_event_runs_where_it_can_happen(key: str) -> None:
    """Whatever the seed, its pool is one in which the event means something."""
    event = next(event for event in EVENTS if event.key == key)
    rounds = [Round.of(seed, event) for seed in range(20)]
    assert {(event,)} == {one.events for one in rounds}
    assert all(event.possible(Conditions(pool=one.conditions.pool)) for one in rounds)


def test_a_round_mixes_only_what_bears_company() -> None:
    """An event that must be alone is, and no event comes twice."""
    for one in map(Round.of, range(200)):
        assert len(set(one.events)) == len(one.events)
        assert len(one.events) == 1 or not any(event.alone for event in one.events)


def test_rounds_become_a_row_for_each_event(tmp_path: Path) -> None:
    """Sums over the rounds that an event was in; one that failed counts as played only, and what it cost is unknown."""
    file, main = tmp_path / "figures", next(event for event in EVENTS if event.key == "main")
    keep(file, Round.of(1, main), Result(100, 10, 80, lost_receipts=2, lost_ends=3, lost_spans=4, kills=3), 40.0)
    keep(file, Round.of(2, main), "NOT AS IT MUST BE", 40.0)
    rows = table([json.loads(line) for line in file.read_text().splitlines()])
    cost = "2 receipts, 3 ends; not known of 1 | 4; not known of 1"
    assert f"| MAIN is killed and started again | 2 | 1 | 100 | {cost} | `make chaos EVENT=main` |" == rows[-1]


def test_a_row_whose_rounds_are_all_known_says_numbers_alone(tmp_path: Path) -> None:
    """Where every round came out as it must, nothing is unknown."""
    file, api = tmp_path / "figures", next(event for event in EVENTS if event.key == "api")
    keep(file, Round.of(1, api), Result(100, 10, 80), 40.0)
    rows = table([json.loads(line) for line in file.read_text().splitlines()])
    assert "| the API is killed | 1 | 1 | 100 | 0 | 0 | `make chaos EVENT=api` |" == rows[-1]
