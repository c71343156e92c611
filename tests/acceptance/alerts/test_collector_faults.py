"""Jaeger is away, and the collector's queue of spans fills up, until it takes no more: each stage raises its alert."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from celery_otel_pipeline.jaeger import JaegerServer
from celery_otel_pipeline.ports import LOOPBACK, free_port
from tests.acceptance.alerts.conftest import Lists
from tests.acceptance.alerts.drill import Drill, Fault
from tests.acceptance.alerts.recorder import Key
from tests.acceptance.alerts.shortened import shortened
from tests.acceptance.alerts.stack import Stack

#: Bytes that may wait for Jaeger: those of about a hundred spans.
ROOM = 50_000
#: Every span is kept, and told at once to the worker when there is no room for it.
SETTINGS = {"QUEUE_BYTES": str(ROOM), "KEEP_TASKS": "faults[.]nothing"}


@dataclass
class Scene:
    """A stack whose collector has little room, and a Jaeger that is not there yet."""

    drill: Drill
    jaeger: JaegerServer


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The stack, in which everything is well as long as there are no spans."""
    directory = tmp_path_factory.mktemp("collector-faults")
    target = f"{LOOPBACK}:{free_port()}"
    jaeger = JaegerServer(directory / "jaeger", otlp_target=target)
    with Stack(directory, shortened(), jaeger=target, settings=SETTINGS) as stack, Drill(stack) as drill:
        stack.worker("worker").start()
        stack.shows("sum(celery_worker_up)", 1)
        drill.quiet()
        yield Scene(drill, jaeger)
        jaeger.kill()


def _fill(stack: Stack, share: float) -> None:
    """Publish tasks until so much of the queue is taken."""
    queue = "max(otelcol_exporter_queue_size) / max(otelcol_exporter_queue_capacity)"
    while (stack.value(queue) or 0.0) < share:
        stack.send("nothing", times=10)
        stack.looks()


def test_the_queue_fills_and_then_is_full(scene: Scene, lists: Lists) -> None:
    """CollectorQueueFilling first, CollectorRefusing when there is no room; both are over when Jaeger is there."""
    drill, stack = scene.drill, scene.drill.stack
    filling = drill.fault("Jaeger is away, and spans wait for it", Key("CollectorQueueFilling"))
    _fill(stack, 0.6)
    drill.fires(filling)
    assert Key("CollectorRefusing") not in drill.notified()
    full: Fault = drill.fault("Jaeger is away, and there is no room for more spans", Key("CollectorRefusing"))
    stack.send("nothing", times=300)
    drill.fires(full)
    scene.jaeger.start()
    filling.mended()
    full.mended()
    drill.resolves(filling)
    drill.resolves(full)
    drill.quiet()
    assert drill.expected() == drill.notified()
    lists(drill.rows(filling) + drill.rows(full))
