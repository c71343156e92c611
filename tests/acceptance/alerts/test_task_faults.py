"""Tasks that go wrong, each in a way of its own, all at the same time: each raises its alert, and no other."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.worker import CeleryWorker, start_together
from tests.acceptance.alerts.conftest import Lists
from tests.acceptance.alerts.drill import Drill, Fault
from tests.acceptance.alerts.recorder import Key
from tests.acceptance.alerts.shortened import shortened
from tests.acceptance.alerts.stack import PATIENCE, Stack

ALERTS = (
    "HighTaskFailureRate",
    "TaskFailureRatio",
    "TaskTimeout",
    "RetryStorm",
    "WorkerLost",
    "UnknownTasks",
    "DuplicateTasks",
    "TelemetryLost",
)


@dataclass
class Scene:
    """The workers and what is broken.

    Attributes:
        drill: Sees the alerts.
        tasks: Runs the tasks that go wrong.
        lossy: Cannot get rid of its spans and has no room for them.
        faults: What was broken, by the alert that it raises.
    """

    drill: Drill
    tasks: CeleryWorker
    lossy: CeleryWorker
    faults: dict[str, Fault]

    def breaks(self, alert: str, what: str, subject: str) -> None:
        """Note a fault that has just been made and that passes by itself."""
        self.faults[alert] = self.drill.fault(what, Key(alert, subject))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A stack in which every task goes wrong once everything has been quiet."""
    directory = tmp_path_factory.mktemp("task-faults")
    with Stack(directory, shortened()) as stack, Drill(stack) as drill:
        tasks = stack.worker("tasks", "celery", pool="prefork", concurrency=4)
        lossy = stack.worker(
            "lossy",
            "lossy",
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"http://{LOOPBACK}:{free_port()}/v1/traces",
            CELERY_OTEL_SPAN_QUEUE_SECONDS="0.01",
        )
        start_together([tasks, lossy])
        stack.shows("sum(celery_worker_up)", 2)
        drill.quiet()
        scene = Scene(drill, tasks, lossy, {})
        _go_wrong(scene, directory)
        yield scene


def _go_wrong(scene: Scene, directory: Path) -> None:
    stack = scene.drill.stack
    stack.send("hold", str(directory))
    stack.send("slow", times=6, soft_time_limit=1)
    scene.breaks("TaskTimeout", "six tasks exceed their soft time limit", "faults.slow")
    stack.producer.send_task("faults.unheard_of")
    scene.breaks("UnknownTasks", "a message for a task that no worker knows", "")
    stack.send("twice", task_id="the-same")
    stack.shows('sum(celery_task_total{task_name="faults.twice",status="success"})', 1)
    stack.send("twice", task_id="the-same")
    scene.breaks("DuplicateTasks", "a message is delivered a second time", "faults.twice")
    stack.send("fail", times=8)
    scene.breaks("TaskFailureRatio", "all of eight attempts of a task fail", "faults.fail")
    for _ in range(15):
        stack.send("often", 0)
        stack.send("often", 1, times=3)
    scene.breaks("HighTaskFailureRate", "15 of 60 attempts of a task fail", "faults.often")
    stack.send("retry", 40)
    scene.breaks("RetryStorm", "a task asks for forty retries, each at once", "faults.retry")
    stack.send("nothing", times=40, queue="lossy")
    scene.breaks("TelemetryLost", "no collector takes a worker's spans, and its queue is full", "")
    os.kill(_holding(directory), signal.SIGKILL)
    scene.breaks("WorkerLost", "kill -9 of the child that runs a task", "faults.hold")


def _holding(directory: Path) -> int:
    """The process that runs the task which holds."""
    found = wait_until(lambda: list(directory.glob("pid-*")), deadline=PATIENCE, message="nobody runs the task")
    return int(found[0].name.removeprefix("pid-"))


@pytest.fixture(scope="module")
def fired(scene: Scene) -> Scene:
    """All of it has fired, before the first of it is over."""
    for fault in scene.faults.values():
        scene.drill.fires(fault)
    return scene


@pytest.mark.parametrize("alert", ALERTS)
def test_it_fires_and_resolves(fired: Scene, alert: str, lists: Lists) -> None:
    """Prometheus fires, Alertmanager holds it, its receiver knows; when the window has passed it is over for all."""
    fired.drill.resolves(fired.faults[alert])
    lists(fired.drill.rows(fired.faults[alert]))


def test_nothing_else_was_notified(fired: Scene) -> None:
    """Each fault raised its own alert, for its own task, and no other."""
    fired.drill.quiet()
    assert fired.drill.expected() == fired.drill.notified()
