"""A collector is given more than it can take, in two ways: each raises its alert."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from celery_otel_pipeline.jaeger import JaegerServer
from celery_otel_pipeline.ports import LOOPBACK, free_port
from tests.acceptance.alerts.conftest import Lists
from tests.acceptance.alerts.drill import Drill
from tests.acceptance.alerts.flood import flood, send_kept
from tests.acceptance.alerts.recorder import Key
from tests.acceptance.alerts.shortened import shortened
from tests.acceptance.alerts.stack import Stack

FILLING, REFUSING = Key("CollectorQueueFilling"), Key("CollectorRefusing")
#: Kilobytes that may wait for Jaeger: less than a batch cannot be asked for.
ROOM = 1100
#: Little memory, and little room for what waits for Jaeger: nothing but spans that are to be kept.
SETTINGS = {
    "MEMORY_LIMIT_MIB": "200",
    "MEMORY_SPIKE_MIB": "40",
    "DECISION_WAIT": "3s",
    "SAMPLING_PERCENTAGE": "0",
    "QUEUE_BYTES": str(ROOM * 1000),
}


@dataclass
class Scene:
    """A stack with one worker, and a Jaeger that is not there yet."""

    drill: Drill
    jaeger: JaegerServer


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The stack, in which all is well as long as there are no spans; what the collector refuses must not expire."""
    directory = tmp_path_factory.mktemp("collector-faults")
    jaeger = JaegerServer(directory / "jaeger", otlp_target=f"{LOOPBACK}:{free_port()}")
    stack = Stack(directory, shortened(), jaeger=jaeger.otlp_target, settings=SETTINGS, metric_expiration="1m")
    with stack, Drill(stack) as drill:
        stack.worker("worker").start()
        stack.shows("sum(celery_worker_up)", 1)
        drill.quiet()
        yield Scene(drill, jaeger)
        jaeger.kill()


def test_a_flood_of_spans_is_refused(scene: Scene, lists: Lists) -> None:
    """CollectorRefusing, while the memory is full."""
    flood(scene.drill.stack.collector)
    fault = scene.drill.fault("a flood of spans, for which the collector has no memory", REFUSING)
    scene.drill.fires(fault)
    scene.drill.resolves(fault)
    scene.drill.quiet()
    assert scene.drill.expected() == scene.drill.notified()
    lists(scene.drill.rows(fault))


def test_the_queue_towards_jaeger_fills(scene: Scene, lists: Lists) -> None:
    """CollectorQueueFilling, until Jaeger is there; that a full queue refuses follows from it, and is not notified."""
    drill, stack = scene.drill, scene.drill.stack
    fault = drill.fault("Jaeger is away, and spans wait for it", FILLING)
    send_kept(stack.collector, ROOM * 7 // 10)
    drill.fires(fault)
    assert {503} & set(send_kept(stack.collector, ROOM))
    drill.holds_back(fault, REFUSING)
    scene.jaeger.start()
    fault.mended()
    drill.resolves(fault)
    drill.quiet()
    assert drill.expected() == drill.notified()
    lists(drill.rows(fault))
