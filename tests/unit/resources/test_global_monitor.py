"""A process has one monitor, whoever asks for it and in whichever order."""

from collections.abc import Callable, Iterator

import pytest

import celery_otel
from celery_otel import names
from celery_otel.core.tables import CounterTable
from celery_otel.failures import FailureLog, HookFailures
from celery_otel.resources.global_monitor import BEAT, WORKER, Asked, GlobalMonitor
from celery_otel.resources.monitor import ResourceMonitor
from celery_otel.settings import Settings
from celery_otel_pipeline.polling import wait_until
from tests.forked import exit_status_of

FAILURES = HookFailures(CounterTable().add, FailureLog())
HOUR = 3600.0
ON = {"CELERY_OTEL_RESOURCES_INTERVAL": str(HOUR), "OTEL_METRICS_EXPORTER": "none"}


@pytest.fixture
def process() -> Iterator[GlobalMonitor]:
    """What a process has, with an instrumented application in it."""
    process = GlobalMonitor()
    with process.known(Settings.read(ON), "shop-producer"):
        yield process
        process.stop()


@pytest.fixture
def adopt(process: GlobalMonitor) -> Iterator[Callable[..., ResourceMonitor | None]]:
    """Makes the process a worker, or a beat, whose monitor reads once."""
    adopted: list[ResourceMonitor] = []

    def make(kind: str = WORKER, **environ: str) -> ResourceMonitor | None:
        monitor = process.adopt("w@host", kind, Settings.read({**ON, **environ}), FAILURES)
        if monitor is not None:
            adopted.append(monitor)
            monitor.start()
            wait_until(monitor.read, deadline=10, message="no reading", interval=0.01)
        return monitor

    yield make
    for one in adopted:
        one.close()


def type_of(monitor: ResourceMonitor | None) -> str:
    """The type of process that a monitor says."""
    assert monitor is not None
    ((process_type, _),) = monitor.read()[names.PROCESS_COUNT]
    return process_type


Adopt = Callable[..., ResourceMonitor | None]


def test_what_was_asked_for_before_the_worker_is_the_workers(process: GlobalMonitor, adopt: Adopt) -> None:
    """A module that starts the monitor while it is loaded says how the worker's shall be."""
    process.ask(Asked(HOUR, "training"))
    assert "training" == type_of(adopt())


def test_what_is_asked_for_later_changes_the_one_there_is(process: GlobalMonitor, adopt: Adopt) -> None:
    """There is never a second one: neither for the call nor for another worker in the process."""
    monitor = adopt()
    assert WORKER == type_of(monitor)
    process.ask(Asked(HOUR, "training"))
    assert "training" == type_of(monitor)
    assert None is adopt()


def test_a_worker_after_another_in_the_same_process_has_a_monitor(adopt: Adopt) -> None:
    """The one before has said its last word."""
    first = adopt()
    assert first is not None
    first.close()
    assert WORKER == type_of(adopt())


@pytest.mark.parametrize(("expected", "asked"), [(BEAT, WORKER), (BEAT, None), ("scheduler", "scheduler")])
def test_a_beat_is_none_of_the_workers(expected: str, asked: str | None, process: GlobalMonitor, adopt: Adopt) -> None:
    """It loads the same module as the workers, which says that it is one."""
    process.ask(Asked(HOUR, asked))
    assert expected == type_of(adopt(BEAT))


def test_what_is_stopped_can_be_started_again(process: GlobalMonitor, adopt: Adopt) -> None:
    """In between there are no series."""
    monitor = adopt()
    assert monitor is not None
    process.stop()
    assert {} == monitor.read()
    process.ask(Asked(HOUR))
    wait_until(monitor.read, deadline=10, message="no reading", interval=0.01)


def test_it_can_be_turned_off(adopt: Adopt) -> None:
    """With CELERY_OTEL_RESOURCES=false a worker has none."""
    assert None is adopt(CELERY_OTEL_RESOURCES="false")


def test_a_forked_process_begins_without_one(process: GlobalMonitor, adopt: Adopt) -> None:
    """What was asked for holds there too: a beat that becomes a daemon has been forked since."""
    process.ask(Asked(HOUR, "training"))
    adopt()

    def adopted_again() -> bool:
        own = process.adopt("d@host", WORKER, Settings.read(ON), FAILURES)
        assert own is not None
        own.start()
        wait_until(own.read, deadline=10, message="no reading", interval=0.01)
        return type_of(own) == "training"

    assert 0 == exit_status_of(adopted_again)


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf")])
def test_an_interval_that_cannot_be_is_said(interval: float) -> None:
    """It is refused at the call."""
    with pytest.raises(ValueError, match=r"interval=.* cannot be used: give it a number of seconds above 0"):
        celery_otel.start_global_monitor(interval=interval)


def test_a_type_without_a_name_is_said() -> None:
    """It is refused at the call."""
    with pytest.raises(ValueError, match="process_type=' ' cannot be used"):
        celery_otel.start_global_monitor(process_type=" ")
