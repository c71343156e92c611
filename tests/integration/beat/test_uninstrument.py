"""`uninstrument` takes back all that it has in the process of a beat, and the beat goes on."""

import gc
import multiprocessing.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import Celery, signals
from celery.beat import Scheduler, Service

import celery_otel
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from tests.integration.out_of_the_way.endpoints import Accepting
from tests.live_receivers import live_receivers

OURS = "celery-otel-export"


@pytest.fixture
def app() -> Iterator[Celery]:
    """An application whose broker is this process's memory."""
    with Celery("uninstrumented", broker="memory://", set_as_current=False) as app:
        app.conf.beat_schedule = {"often": {"task": "shop.order", "schedule": 0.05}}
        yield app


@contextmanager
def beat_of(app: Celery) -> Iterator[Any]:
    """A beat on a thread of this process."""
    service = Service(app, scheduler_cls=Scheduler)
    thread = threading.Thread(target=service.start)
    thread.start()
    try:
        yield service
    finally:
        service.stop()
        thread.join()


def wait_for_runs(service: Any, number: int) -> None:
    """Waits until the entry has been run so often again."""
    runs = lambda: service.scheduler.schedule["often"].total_run_count  # noqa: E731  # read again and again
    wanted = runs() + number
    wait_until(lambda: runs() >= wanted, deadline=20, message=lambda: f"{runs()} runs, not {wanted}")


def footprint() -> tuple[Any, ...]:
    """What an instrumentation can leave in the process."""
    return (
        live_receivers((signals.beat_init, signals.beat_embedded_init, signals.worker_shutdown)),
        set(vars(multiprocessing.util)["_finalizer_registry"]),
        {thread.name for thread in threading.enumerate() if thread.name == OURS},
    )


def test_a_running_beat_is_left_alone(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks, threads and exit functions of ours are gone at once, the scheduler is as it was, and goes on."""
    gc.collect()
    before = footprint()
    with Accepting() as collector:
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp,prometheus")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_HOST", LOOPBACK)
        monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", str(free_port()))
        celery_otel.instrument(app)
        with beat_of(app) as service:
            wait_for_runs(service, 3)
            during = footprint()
            assert {"tick", "reserve", "apply_async"} <= vars(service.scheduler).keys()
            celery_otel.uninstrument(app)
            assert not {"tick", "reserve", "apply_async"} & vars(service.scheduler).keys()
            assert before == footprint()
            wait_for_runs(service, 3)
    assert not [one for one, other in zip(before, during, strict=True) if one == other]


def test_a_beat_that_starts_again_is_watched_once(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that was stopped and starts again keeps what was put around its scheduler, once."""
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    celery_otel.instrument(app)
    with beat_of(app) as service:
        wait_for_runs(service, 2)
    put_on = service.scheduler.tick
    signals.beat_init.send(sender=service)
    assert put_on is service.scheduler.tick
    celery_otel.uninstrument(app)


def test_the_beat_of_another_application_is_left_alone(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the application that is instrumented is watched."""
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    with Celery("other", broker="memory://", set_as_current=False) as other:
        celery_otel.instrument(other)
        with beat_of(app) as service:
            wait_for_runs(service, 2)
            assert "tick" not in vars(service.scheduler)
        celery_otel.uninstrument(other)
