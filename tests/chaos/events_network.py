"""What goes wrong between the processes: exports that vanish, cables that are pulled, connections that break."""

import random

from tests.acceptance.ledger.driver import Steps
from tests.chaos.event import Event
from tests.chaos.moments import later, passed, unheard
from tests.chaos.place import Need, Place

#: How long a cable stays out, in seconds.
OUT = (3.0, 12.0)


def _swallowed(place: Place, chance: random.Random) -> Steps:
    yield later(place.pipeline, chance)
    with place.pipeline.tap.swallowing():
        yield unheard(place.pipeline, chance)


def _cable_pulled(place: Place, chance: random.Random) -> Steps:
    yield later(place.pipeline, chance)
    place.network.cut()
    yield passed(chance.uniform(*OUT))
    place.network.mend()


def black_hole(seconds: float) -> Event:
    """Exports vanish for so many seconds: who sends them gets no answer, and no refusal."""

    def steps(place: Place, chance: random.Random) -> Steps:
        yield later(place.pipeline, chance)
        with place.pipeline.tap.swallowing():
            yield passed(seconds)

    return Event("black-hole", f"a black hole of {seconds:g} s", steps, alone=True, lasts=seconds)


NETWORK = (
    Event("swallow", "the network swallows exports", _swallowed),
    Event("cable", "the cable to the collector is pulled", _cable_pulled, needs=frozenset({Need.NETWORK})),
)
