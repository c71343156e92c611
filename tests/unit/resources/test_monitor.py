"""The monitor reads on its own thread, takes its own failures, ends with a last reading, and is none in a child."""

import threading
from collections.abc import Callable, Iterator

import pytest

from celery_otel import names
from celery_otel.core.tables import CounterTable
from celery_otel.failures import FailureLog, HookFailures
from celery_otel.metric import Value
from celery_otel.resources.monitor import THREAD_NAME, ResourceMonitor
from celery_otel.resources.reading import Reading
from celery_otel_pipeline.polling import wait_until
from tests.forked import exit_status_of

HOUR = 3600.0


class Counting:
    """A meter whose n-th reading says n processes and n bytes written; it can be made to fail."""

    def __init__(self) -> None:
        self.number = 0
        self.fails = False

    def read(self) -> Reading:
        """The next reading."""
        if self.fails:
            raise RuntimeError("broken on purpose")
        self.number += 1
        return Reading({names.PROCESS_COUNT: self.number, names.PROCESS_DISK_WRITTEN: self.number})


class Scene:
    """A monitor, its meter and its errors."""

    def __init__(self) -> None:
        self.meter = Counting()
        self.errors = CounterTable()
        self.monitor = self.make(HOUR)

    def make(self, interval: float, open_meter: Callable[[], Counting] | None = None) -> ResourceMonitor:
        """A monitor with another interval, or another meter."""
        failures = HookFailures(self.errors.add, FailureLog())
        return ResourceMonitor("w@host", "celery_worker", interval, failures, open_meter or (lambda: self.meter))

    def value(self, process_type: str = "celery_worker") -> Value | None:
        """How many processes the monitor says."""
        return self.monitor.read().get(names.PROCESS_COUNT, {}).get((process_type, "w@host"))

    def wait_for(self, value: int, process_type: str = "celery_worker") -> None:
        """Waits until it says as many."""
        wait_until(
            lambda: isinstance(said := self.value(process_type), int) and said >= value,
            deadline=10,
            message=lambda: f"not {value} but {self.monitor.read()}, errors {self.errors}",
            interval=0.01,
        )


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A monitor that reads once and then after an hour."""
    scene = Scene()
    yield scene
    scene.monitor.close()


def test_it_reads_at_once_and_then_at_its_interval(scene: Scene) -> None:
    """There is nothing before the first reading, and a shorter interval counts from when it is given."""
    assert {} == scene.monitor.read()
    scene.monitor.start()
    scene.monitor.start()
    scene.wait_for(1)
    scene.monitor.configure(0.01, "celery_worker")
    scene.wait_for(3)
    assert 1 == [thread.name for thread in threading.enumerate()].count(THREAD_NAME)


def test_a_failed_reading_is_counted_and_the_newest_stays(scene: Scene) -> None:
    """What was read last is exported until the next one that succeeds."""
    scene.monitor = scene.make(0.01)
    scene.monitor.start()
    scene.wait_for(1)
    scene.meter.fails = True
    wait_until(lambda: scene.errors["resources",], deadline=10, message="no error", interval=0.01)
    before = scene.value()
    assert before == scene.meter.number
    scene.meter.fails = False
    scene.wait_for(scene.meter.number + 1)


def test_a_meter_that_cannot_be_made_is_counted(scene: Scene) -> None:
    """Nothing is read then, and the end is as ever."""

    def refuse() -> Counting:
        raise RuntimeError("broken on purpose")

    scene.monitor = scene.make(0.01, refuse)
    scene.monitor.start()
    wait_until(lambda: scene.errors["resources",], deadline=10, message="no error", interval=0.01)
    scene.monitor.close()
    assert ({}, 1) == (scene.monitor.read(), scene.errors["resources",])


def test_the_end_reads_a_last_time(scene: Scene) -> None:
    """Totals go to the very end, gauges to 0; nothing begins after it, and a second end is none."""
    scene.monitor.start()
    scene.wait_for(1)
    for _ in range(2):
        scene.monitor.close()
        scene.monitor.start()
    assert {
        names.PROCESS_COUNT: {("celery_worker", "w@host"): 0},
        names.PROCESS_DISK_WRITTEN: {("celery_worker", "w@host"): 2},
    } == scene.monitor.read()
    assert THREAD_NAME not in [thread.name for thread in threading.enumerate()]


def test_one_that_is_silenced_has_no_series_until_it_is_configured_again(scene: Scene) -> None:
    """A worker that connects again does not wake it."""
    scene.monitor.start()
    scene.wait_for(1)
    scene.monitor.silence()
    scene.monitor.start()
    assert {} == scene.monitor.read()
    scene.monitor.configure(HOUR, "batch")
    scene.wait_for(2, "batch")


def test_a_forked_child_has_no_monitor(scene: Scene) -> None:
    """Nothing reads there, and its end neither reads nor waits: the thread and what it says are the parent's."""
    scene.monitor.start()
    scene.wait_for(1)

    def ends_alone() -> bool:
        scene.monitor.close()
        scene.monitor.silence()
        return threading.active_count() == 1 and scene.meter.number == 1 and not scene.monitor.closed

    assert 0 == exit_status_of(ends_alone)
    assert 1 == scene.value()
