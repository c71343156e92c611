"""What happens to whole workers and to their broker: nobody knows in advance which attempts it meets."""

import random
import time
from collections.abc import Callable, Iterator

from celery_otel_pipeline.worker import CeleryWorker
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import Condition, Steps
from tests.chaos.event import Event
from tests.chaos.moments import later, scraped
from tests.chaos.place import Need, Place
from tests.chaos.recovery import answers, gives_up

#: How often a round kills a worker or breaks connections.
TIMES = 3


def _simple_pools(conditions: Conditions) -> bool:
    return conditions.pool in {"prefork", "threads"}


def _main_killed(place: Place, chance: random.Random) -> Steps:
    """SIGKILL of a worker's main process, and a supervisor that starts it again."""
    for _ in range(TIMES):
        yield later(place.pipeline, chance)
        worker = chance.choice((place.scene.first, place.scene.second))
        worker.kill()
        place.kills.append((worker.node_name, time.time()))
        yield from _started_again(place, worker)


def _broker_killed(place: Place, chance: random.Random) -> Steps:
    for _ in range(TIMES):
        yield later(place.pipeline, chance)
        # At once: what the driver sends in between would not arrive, which is no loss of a count.
        place.broker.kill()
        place.broker.start()
        yield from _recovered(place)


def _connections_cut(place: Place, chance: random.Random) -> Steps:
    for _ in range(TIMES):
        yield later(place.pipeline, chance)
        place.wire.cut()
        yield from _recovered(place)


def _recovered(place: Place) -> Iterator[Condition]:
    """Wait until each worker has connected again, or has ended, and start those that have."""
    for worker in (place.scene.first, place.scene.second):
        yield lambda: gives_up(worker) or answers(place.scene, worker)  # noqa: B023 - asked before the next one
        if gives_up(worker):
            yield lambda: not worker.alive  # noqa: B023 - asked before the next one
            yield from _started_again(place, worker)


def _started_again(place: Place, worker: CeleryWorker) -> Iterator[Condition]:
    # Here exports are more frequent than scrapes, so that nobody waits by itself until the last values are scraped.
    yield scraped(place.pipeline)
    place.scene.first_children += place.conditions.slots
    place.restarts += 1
    worker.process.start()
    yield lambda: f"{worker.node_name} ready." in worker.process.log_since_start


def _unplanned(key: str, name: str, steps: Callable[[Place, random.Random], Steps], *, loses: bool = False) -> Event:
    return Event(
        key,
        name,
        steps,
        needs=frozenset({Need.BROKER}),
        possible=_simple_pools,
        alone=True,
        planned=False,
        loses=loses,
    )


WORKERS = (
    _unplanned("main", "MAIN is killed and started again", _main_killed, loses=True),
    _unplanned("broker", "the broker is killed", _broker_killed),
    _unplanned("wire", "connections to the broker are cut", _connections_cut),
)
