"""`uninstrument` takes back everything: hooks, patches, steps, threads, sockets, filters, exit function."""

import gc
import logging
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any, Self

import psutil
import pytest
from celery import Celery, signals
from celery.app import amqp
from celery.canvas import group
from celery.contrib.testing.worker import start_worker
from celery.utils.dispatch import Signal
from celery.worker import strategy
from opentelemetry.instrumentation.celery import CeleryInstrumentor

import celery_otel
from celery_otel.settings import Settings
from celery_otel.telemetry.exporters import preload
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from tests.integration.out_of_the_way.endpoints import Accepting, Listening, Silent
from tests.live_receivers import live_receivers

THREADS = {"celery-otel-export", "celery-otel-spans", "OtelBatchSpanRecordProcessor"}
"""What an instrumentation that exports runs."""


@dataclass(frozen=True)
class Footprint:
    """All that an instrumentation can leave in a process, as it is at one moment."""

    receivers: dict[str, list[Any]]
    patches: dict[str, int]
    steps: dict[str, set[Any]]
    attributes: set[str]
    threads: set[str]
    sockets: set[Any]
    filters: dict[str, list[Any]]
    frozen: int

    @classmethod
    def of(cls, app: Celery) -> Self:
        """What is there now."""
        return cls(
            _receivers(),
            {name: id(value) for name, value in _patchable().items()},
            {name: set(steps) for name, steps in app.steps.items()},
            set(vars(app)),
            _threads(),
            {(socket.laddr, socket.raddr) for socket in psutil.Process().net_connections(kind="inet")},
            _filters(),
            gc.get_freeze_count(),
        )

    def left_behind(self, before: Self) -> list[str]:
        """What was not there before, or is not as it was, a line each.

        Sockets and threads that have ended meanwhile are other tests' clients, which the garbage collector took.
        """
        new = {"threads": self.threads - before.threads, "sockets": self.sockets - before.sockets}
        lines = [f"{name}: {sorted(map(str, found))}" for name, found in new.items() if found]
        others = [field.name for field in fields(self) if field.name not in new]
        changed = [name for name in others if getattr(self, name) != getattr(before, name)]
        return lines + [f"{name}: was {getattr(before, name)}, is {getattr(self, name)}" for name in changed]


def footprint_before(app: Celery) -> Footprint:
    """What is there before an application is instrumented, without what is only waiting to be collected.

    A worker or an API that ran in this process before may still be at its last export.
    """
    wait_until(lambda: not THREADS & _threads(), deadline=30, message=lambda: f"an export goes on: {_threads()}")
    gc.collect()
    return Footprint.of(app)


def _threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def _signals() -> dict[str, Signal]:
    return {name: value for name, value in vars(signals).items() if isinstance(value, Signal)}


def _receivers() -> dict[str, list[Any]]:
    named = _signals()
    live = live_receivers(list(named.values()))
    return {name: [key for key, _ in found] for name, found in zip(named, live, strict=True)}


def _patchable() -> dict[str, Any]:
    """What an instrumentation replaces."""
    return {
        "create_request_cls": strategy.create_request_cls,
        "retry_over_time": amqp.retry_over_time,
        "freeze_group_tasks": group._freeze_group_tasks,  # noqa: SLF001  # what is patched is not public
        "upstream": CeleryInstrumentor._instrument,  # noqa: SLF001  # as above
    }


def _filters() -> dict[str, list[Any]]:
    filters = {name: list(logging.getLogger(name).filters) for name in logging.root.manager.loggerDict}
    return {name: found for name, found in filters.items() if found}


@pytest.fixture(scope="module")
def app() -> Iterator[Celery]:
    """An application whose broker is this process's memory, and whose worker has run here once already.

    So what Celery's first worker and the first import of a library leave behind is in every footprint.
    """
    import_module("celery_otel.telemetry.scrape")
    preload(Settings.read({}))
    with Celery("uninstrumented", broker="memory://", backend="cache+memory://", set_as_current=False) as app:
        app.conf.worker_hijack_root_logger = False
        app.task(name="uninstrumented.double", shared=False)(_double)
        with worker_of(app):
            assert 2 == run(app, 1)
        yield app


def _double(number: int) -> int:
    """Does a little work."""
    return 2 * number


@contextmanager
def worker_of(app: Celery) -> Iterator[Any]:
    """A worker on threads of this process, whose root logger keeps its level."""
    with start_worker(app, pool="solo", loglevel="WARNING", perform_ping_check=False) as worker:
        yield worker


def run(app: Celery, number: int) -> Any:
    """The result of one task."""
    return app.send_task("uninstrumented.double", [number]).get(timeout=20)


@pytest.fixture
def exporting(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the environment export in every way there is to a collector, as often as it can."""

    def export(collector: Listening) -> None:
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp,prometheus")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3")
        monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_HOST", LOOPBACK)
        monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", str(free_port()))
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")

    return export


def wait_until_nothing_is_left(before: Footprint, app: Celery) -> None:
    """Waits until the process is as it was: sockets and the collector's threads take a moment to end."""
    wait_until(
        lambda: not Footprint.of(app).left_behind(before),
        deadline=20,
        message=lambda: "\n".join(Footprint.of(app).left_behind(before)),
    )


def test_nothing_is_left_after_uninstrument(app: Celery, exporting: Any) -> None:
    """After a worker has run and exported, the process is as if it had never been instrumented."""
    with Accepting() as collector:
        exporting(collector)
        before = footprint_before(app)
        celery_otel.instrument(app)
        with worker_of(app) as worker:
            assert 4 == run(app, 2)
            during = Footprint.of(app)
            telemetry = weakref.ref(worker.celery_otel)
        del worker
        celery_otel.uninstrument(app)
        wait_until_nothing_is_left(before, app)
        # An exit function would keep it alive, or any other thread or hook that the footprint does not know.
        gc.collect()
        assert telemetry() is None
    # The comparison can tell: every one of these is different while a worker runs.
    assert before.receivers != during.receivers
    assert set() == before.patches.items() & during.patches.items()
    assert before.steps != during.steps
    assert during.threads - before.threads >= THREADS
    assert during.sockets - before.sockets
    assert {"send_task"} <= during.attributes - before.attributes
    assert before.filters != during.filters


def test_uninstrument_leaves_a_running_worker_running(app: Celery, exporting: Any) -> None:
    """Taken back in the middle of a worker's life, everything of ours ends at once and its next tasks succeed."""
    before = footprint_before(app)
    with Accepting() as collector:
        exporting(collector)
        celery_otel.instrument(app)
        with worker_of(app):
            assert 4 == run(app, 2)
            celery_otel.uninstrument(app)
            assert 6 == run(app, 3)
            assert before.receivers == Footprint.of(app).receivers
            assert before.patches == Footprint.of(app).patches
            assert "celery-otel-export" not in _threads()


def test_a_collector_that_never_answers_keeps_nothing_longer_than_one_export(app: Celery, exporting: Any) -> None:
    """With an export under way that nobody answers, the rest is taken back, and its thread ends with its timeout."""
    with Silent() as collector:
        exporting(collector)
        before = footprint_before(app)
        celery_otel.instrument(app)
        with worker_of(app):
            assert 4 == run(app, 2)
        celery_otel.uninstrument(app)
        assert before.receivers == Footprint.of(app).receivers
        wait_until(
            lambda: "celery-otel-export" not in _threads(),
            deadline=20,
            message="the export's thread goes on",
        )
    wait_until_nothing_is_left(before, app)


def test_a_second_call_changes_nothing(app: Celery) -> None:
    """`instrument` twice is once: the same receivers and steps, gone after one `uninstrument`."""
    before = footprint_before(app)
    celery_otel.instrument(app)
    once = Footprint.of(app)
    celery_otel.instrument(app)
    celery_otel.setup_celery_metrics(app)
    twice = Footprint.of(app)
    celery_otel.uninstrument(app)
    assert once == twice
    assert before != once
    assert before == Footprint.of(app)


def test_uninstrument_without_instrument_does_nothing(app: Celery) -> None:
    """An application that was never instrumented stays as it is."""
    before = footprint_before(app)
    celery_otel.uninstrument(app)
    assert before == Footprint.of(app)
