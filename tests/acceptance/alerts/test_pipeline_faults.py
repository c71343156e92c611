"""Servers that all others lean on fail, one after the other: the cause is notified, and nothing of what follows."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from celery_otel_pipeline.beat import CeleryBeat
from tests.acceptance.alerts.conftest import Lists
from tests.acceptance.alerts.drill import WATCHDOG, Drill
from tests.acceptance.alerts.recorder import Key
from tests.acceptance.alerts.shortened import shortened
from tests.acceptance.alerts.stack import Stack

SCHEDULE = {"every-second": {"task": "faults.tick", "schedule": 1.0}}


@dataclass
class Scene:
    """A stack with one worker and beat, which sends it a task every second.

    Attributes:
        drill: Sees the alerts.
        beat: Started.
    """

    drill: Drill
    beat: CeleryBeat

    @property
    def stack(self) -> Stack:
        """The servers."""
        return self.drill.stack


@dataclass(frozen=True)
class Outage:
    """A server that is away for a while.

    Attributes:
        alert: What is notified.
        what: In a few words.
        begins: Makes it.
        ends: Mends it.
        has_consequences: Whether other alerts follow from it, which are to be held back.
        later: What is to be notified when it is mended, in addition.
    """

    alert: str
    what: str
    begins: Callable[[Scene], object]
    ends: Callable[[Scene], object]
    has_consequences: bool = False
    later: tuple[Key, ...] = ()


OUTAGES = (
    Outage(
        "BeatNotFiring",
        "kill -9 of beat",
        lambda scene: scene.beat.kill(),
        lambda scene: scene.beat.start(),
        # It finds out what it has missed.
        later=(Key("BeatNotFiring", "every-second"),),
    ),
    Outage(
        "ApiDown", "the API is stopped", lambda scene: scene.stack.api.stop(), lambda scene: scene.stack.api.start()
    ),
    Outage(
        "BrokerDown",
        "the broker is stopped",
        lambda scene: scene.stack.redis.stop(),
        lambda scene: scene.stack.redis.start(),
        has_consequences=True,
    ),
    Outage(
        "CollectorDown",
        "kill -9 of the collector",
        lambda scene: scene.stack.collector.kill(),
        lambda scene: scene.stack.collector.start(),
    ),
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The stack, in which everything is well."""
    with Stack(tmp_path_factory.mktemp("pipeline-faults"), shortened()) as stack, Drill(stack) as drill:
        scene = Scene(drill, stack.beat(beat_schedule=SCHEDULE))
        scene.beat.start()
        stack.worker("worker").start()
        stack.shows("count(celery_beat_last_tick_timestamp_seconds)", 1)
        stack.shows("sum(celery_worker_up)", 1)
        drill.quiet()
        yield scene


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: outage.alert)
def test_only_the_cause_is_notified(scene: Scene, outage: Outage, lists: Lists) -> None:
    """It fires, its consequences are held back, it resolves after the repair, and they are not notified then either."""
    drill, started = scene.drill, time.monotonic()
    fault = drill.fault(outage.what, Key(outage.alert))
    outage.begins(scene)
    drill.fires(fault)
    if outage.has_consequences:
        drill.holds_back(fault)
    outage.ends(scene)
    fault.mended()
    later = drill.fault(f"{outage.what}, which has been mended", *outage.later)
    for one in (fault, later):
        drill.fires(one)
        drill.resolves(one)
    drill.quiet()
    # The dead man's switch is told again and again.
    assert {*fault.alerts, *later.alerts} == drill.notified(started) - {WATCHDOG}
    lists(drill.rows(fault) + drill.rows(later))


def test_the_dead_mans_switch_goes_out_with_prometheus(scene: Scene, lists: Lists) -> None:
    """It was there from the start, at a receiver of its own; it is missed while Prometheus is away, and comes back."""
    drill = scene.drill
    notifications = drill.stack.receiver.since(0.0)
    assert {("Watchdog", "watchdog")} == {(one.name, one.receiver) for one in notifications if one.name == "Watchdog"}
    assert "watchdog" not in {one.receiver for one in notifications if one.name != "Watchdog"}
    scene.stack.prometheus.kill()
    missed = drill.goes_out(WATCHDOG)
    scene.stack.prometheus.start()
    back = drill.comes_back(WATCHDOG)
    drill.quiet()
    what = "kill -9 of Prometheus, which ends the alert that always fires"
    lists([{"alert": "Watchdog", "fault": what, "fired": missed, "notified": missed, "resolved": back}])
