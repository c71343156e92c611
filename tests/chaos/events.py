"""What goes wrong in a round: each a few steps that the ledger's driver plays among the outcomes."""

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from tests.acceptance.ledger.driver import Steps
from tests.acceptance.ledger.scene import Pipeline, Scene

#: Exports that go by before something happens, and those that come to nothing while it lasts.
BEFORE, DURING = (2, 30), (2, 8)


@dataclass(frozen=True)
class Event:
    """Something that goes wrong.

    Attributes:
        name: What the table calls it.
        steps: Makes it happen, and mends it.
    """

    name: str
    steps: Callable[[Scene, random.Random], Steps]


def _later(pipeline: Pipeline, chance: random.Random) -> Callable[[], bool]:
    moment = pipeline.tap.delivered + pipeline.tap.lost + chance.randint(*BEFORE)
    return lambda: pipeline.tap.delivered + pipeline.tap.lost >= moment


def _unheard(pipeline: Pipeline, chance: random.Random) -> Callable[[], bool]:
    """Whether some more exports have come to nothing."""
    number = pipeline.tap.lost + chance.randint(*DURING)
    return lambda: pipeline.tap.lost >= number


def _unseen(pipeline: Pipeline, chance: random.Random) -> Callable[[], bool]:
    """Whether some more exports have gone by."""
    number = pipeline.tap.delivered + pipeline.tap.lost + chance.randint(*DURING)
    return lambda: pipeline.tap.delivered + pipeline.tap.lost >= number


def _collector_killed(scene: Scene, chance: random.Random) -> Steps:
    pipeline = scene.pipeline
    yield _later(pipeline, chance)
    pipeline.collector.kill()
    yield _unheard(pipeline, chance)
    pipeline.collector.start()


def _collector_frozen(scene: Scene, chance: random.Random) -> Steps:
    pipeline = scene.pipeline
    yield _later(pipeline, chance)
    process = psutil.Process(pipeline.collector.process.pid)
    process.send_signal(signal.SIGSTOP)
    moment = time.monotonic() + chance.uniform(1.0, 8.0)
    yield lambda: time.monotonic() >= moment
    process.send_signal(signal.SIGCONT)


def _prometheus_killed(scene: Scene, chance: random.Random) -> Steps:
    pipeline = scene.pipeline
    yield _later(pipeline, chance)
    pipeline.prometheus.process.kill()
    yield _unseen(pipeline, chance)
    pipeline.prometheus.start()


def _black_hole(scene: Scene, chance: random.Random) -> Steps:
    pipeline = scene.pipeline
    yield _later(pipeline, chance)
    with pipeline.tap.swallowing():
        yield _unheard(pipeline, chance)


def black_hole(seconds: float) -> Event:
    """Exports vanish for so many seconds: who sends them gets no answer, and no refusal."""

    def steps(scene: Scene, chance: random.Random) -> Steps:
        yield _later(scene.pipeline, chance)
        with scene.pipeline.tap.swallowing():
            moment = time.monotonic() + seconds
            yield lambda: time.monotonic() >= moment

    return Event(f"a black hole of {seconds:g} s", steps)


EVENTS = (
    Event("the collector is killed", _collector_killed),
    Event("the collector hangs", _collector_frozen),
    Event("Prometheus is killed", _prometheus_killed),
    Event("the network swallows exports", _black_hole),
)
