"""One round: workers under chosen conditions, a plan of outcomes, some events among them, and the comparison."""

import random
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.plan import Plan
from tests.acceptance.ledger.run import all_outcomes, assert_balanced, play, run_plan, thinned
from tests.acceptance.ledger.scene import Pipeline, Scene
from tests.chaos.events import EVENTS, Event

POOLS = ("prefork", "prefork", "threads", "gevent")
TIMES = (2, 8)
EVENTS_IN_A_ROUND = (1, 3)
#: What is swallowed costs its sender this patience, in seconds; by default ten.
PATIENCE = {"OTEL_EXPORTER_OTLP_TIMEOUT": "2"}


@dataclass(frozen=True)
class Round:
    """What a seed makes of a round.

    Attributes:
        seed: Decides all of it.
        conditions: How the workers run.
        times: At most so many attempts of each outcome.
        events: What goes wrong.
    """

    seed: int
    conditions: Conditions
    times: int
    events: tuple[Event, ...]

    @classmethod
    def of(cls, seed: int) -> "Round":
        """The round of a seed: always the same for the same one."""
        chance = random.Random(seed)
        conditions = Conditions(
            pool=chance.choice(POOLS), acks_late=chance.random() < 1 / 2, queue=f"chaos-{seed}", concurrency=4
        )
        events = chance.sample(EVENTS, chance.randint(*EVENTS_IN_A_ROUND))
        return cls(seed, conditions, chance.randint(*TIMES), tuple(events))

    def __str__(self) -> str:
        """One line: the seed, how the workers run, and what goes wrong."""
        return f"seed {self.seed}: {self.conditions}; {', '.join(event.name for event in self.events)}"


def run(chosen: Round, directory: Path) -> Plan:
    """Play a round and compare.

    Args:
        chosen: The round.
        directory: For the data and logs of all servers.

    Returns:
        The plan that everything was equal to.

    Raises:
        AssertionError: A number is not as planned.
        DeadlineError: A sign did not come.
    """
    chance = random.Random(chosen.seed)
    with (
        Pipeline(directory / "pipeline") as pipeline,
        Scene(pipeline, chosen.conditions, directory / "scene", env=PATIENCE) as scene,
    ):
        scene.start_workers()
        outcomes = thinned(all_outcomes(scene), chosen.times)
        events = [(event.name, event.steps(scene, chance)) for event in chosen.events]
        with redirect_stdout(StringIO()):
            play(scene, outcomes, chosen.seed, *events)
        reading, plan = scene.settled(lambda: run_plan(scene, outcomes))
        assert_balanced(scene, reading, plan)
        return plan
