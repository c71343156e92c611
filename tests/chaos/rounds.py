"""One round: workers under chosen conditions, a plan of outcomes, some events among them, and the comparison."""

import random
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import Steps
from tests.acceptance.ledger.outcome import Outcome
from tests.chaos import planned_round, witnessed_round
from tests.chaos.event import Event
from tests.chaos.events import EVENTS
from tests.chaos.place import Place, missing
from tests.chaos.result import Result

POOLS = ("prefork", "prefork", "threads", "gevent")
TIMES = (2, 8)
#: Events that may come together with another one.
COMPANY = (1, 4)


@dataclass(frozen=True)
class Round:
    """What a seed makes of a round.

    Attributes:
        seed: Decides all of it.
        conditions: How the workers run.
        times: At most so many attempts of each outcome.
        events: What goes wrong.
        state: Whether the workers keep their counts on the disk.
        busy: Whether the machine is busy with something else: then time limits are left out, which Celery itself
            enforces too late there.
    """

    seed: int
    conditions: Conditions
    times: int
    events: tuple[Event, ...]
    state: bool = False
    busy: bool = False

    @classmethod
    def of(cls, seed: int, only: Event | None = None, *, state: bool = False, busy: bool = False) -> "Round":
        """The round of a seed: always the same for the same one.

        Args:
            seed: Decides what is not given.
            only: The one event; by default the seed chooses.
            state: Whether the workers keep their counts on the disk.
            busy: Whether time limits are left out.
        """
        chance = random.Random(seed)
        first = only or chance.choice(EVENTS)
        pool = chance.choice([pool for pool in POOLS if first.possible(Conditions(pool=pool))])
        conditions = Conditions(
            pool=pool, acks_late=chance.random() < 1 / 2, queue=f"chaos-{first.key}-{seed}", concurrency=4
        )
        events = (first,) if only or first.alone else _with_company(first, conditions, chance)
        return cls(seed, conditions, chance.randint(*TIMES), events, state, busy)

    @property
    def left_out(self) -> list[str]:
        """What cannot be done on this machine, with the reason."""
        return [f"{event.name}: {reason}" for event in self.events if (reason := _missing(event))]

    @property
    def possible(self) -> tuple[Event, ...]:
        """What can be done on this machine."""
        return tuple(event for event in self.events if not _missing(event))

    def __str__(self) -> str:
        """One line: the seed, how the workers run, and what goes wrong."""
        state = ", state kept" * self.state
        return f"seed {self.seed}: {self.conditions}{state}; {', '.join(event.name for event in self.events)}"


def run(chosen: Round, directory: Path) -> Result:
    """Play a round and compare.

    Args:
        chosen: The round; events that this machine has not the means for are left out.
        directory: For the data and logs of all servers.

    Returns:
        What was compared.

    Raises:
        AssertionError: A number is not as it must be.
        DeadlineError: A sign did not come.
    """
    events = [*chosen.possible, *[BUSY] * chosen.busy]
    needs = frozenset(need for event in events for need in event.needs)
    play = planned_round.run if all(event.planned for event in events) else witnessed_round.run
    with (
        redirect_stdout(StringIO()),
        Place(directory, chosen.conditions, needs, state=chosen.state) as place,
    ):
        place.scene.start_workers()
        return play(place, events, chosen.times, chosen.seed)


def _nothing_happens(_: Place, __: random.Random) -> Steps:
    yield from ()


def _no_limit(outcome: Outcome) -> bool:
    return "limit" not in outcome.name


#: Something else takes the machine's time.
BUSY = Event("busy", "the machine is busy", _nothing_happens, allows=_no_limit)


def _with_company(first: Event, conditions: Conditions, chance: random.Random) -> tuple[Event, ...]:
    others = [event for event in EVENTS if event is not first and not event.alone and event.possible(conditions)]
    return (first, *chance.sample(others, chance.randint(*COMPANY)))


def _missing(event: Event) -> str:
    return next(filter(None, map(missing, event.needs)), "")
