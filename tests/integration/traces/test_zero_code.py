"""`opentelemetry-instrument celery -A app worker` gives everything, and nothing twice."""

import sys
from pathlib import Path

import pytest

from celery_otel_early import GEVENT_VARIABLE
from celery_otel_pipeline.polling import wait_until
from tests.integration.traces.conftest import Traced

COMMAND = (str(Path(sys.executable).with_name("opentelemetry-instrument")),)
ORDERS = 5


def wait_for_metrics(traced: Traced) -> None:
    """Waits until the worker's counts have arrived."""
    wait_until(lambda: traced.sink.metrics()["celery.task.total"], deadline=30, message="no metrics arrived")


def assert_each_publish_once(traced: Traced) -> None:
    """The worker has published so many messages: as many producer spans, and none of upstream's."""
    traced.wait_for({f"send {traced.queue}": ORDERS})
    upstream = [span.name for span in traced.sink.spans() if span.name.startswith(("run/", "apply_async/"))]
    assert [] == upstream
    assert {"celery_otel"} == {span.scope for span in traced.sink.spans(kind="PRODUCER")}


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo", "gevent", "eventlet"])
def test_an_application_that_knows_nothing(traced: Traced, pool: str) -> None:
    """On every pool, with the distribution and upstream's instrumentation loaded, metrics and producer spans arrive."""
    patch = f"{GEVENT_VARIABLE}=patch_all" if pool == "gevent" else "UNSET=yes"
    worker = traced.worker("plain", pool=pool, prefix=("env", patch, *COMMAND))
    traced.run("plain.order", traced.queue, times=ORDERS)
    wait_for_metrics(traced)
    worker.warm_stop()
    assert_each_publish_once(traced)


def test_gevent_without_its_patch_is_told_what_to_do(traced: Traced) -> None:
    """A worker whose pool was not patched in time says which variable is missing."""
    worker = traced.worker("plain", pool="gevent", prefix=COMMAND, wait=False)
    expected = f"This worker will not run tasks: with the pool gevent, set {GEVENT_VARIABLE}=patch_all."
    wait_until(lambda: expected in worker.log, deadline=30, message=lambda: worker.log)


def test_without_a_distribution_the_exporter_is_ours(traced: Traced) -> None:
    """Where nobody else sets a tracer provider, ours exports, and names the service after the application."""
    traced.worker("plain", prefix=COMMAND, OTEL_PYTHON_CONFIGURATOR="none")
    traced.run("plain.order", traced.queue, times=ORDERS)
    assert_each_publish_once(traced)
    assert {"plain"} == {span.service for span in traced.sink.spans(kind="PRODUCER")}


def test_a_wrong_setting_leaves_the_worker_alone(traced: Traced) -> None:
    """A value that cannot be used is said, and the worker works without us."""
    worker = traced.worker("plain", prefix=COMMAND, CELERY_OTEL_MAX_TASKS="many")
    traced.run("plain.order", traced.queue)
    assert "celery-otel instruments nothing: CELERY_OTEL_MAX_TASKS='many' cannot be used" in worker.log


@pytest.mark.parametrize("first", ["upstream", "ours"])
def test_upstream_is_silent_whichever_comes_first(traced: Traced, first: str) -> None:
    """A user's own upstream instrumentor, before or after ours, makes no second span."""
    traced.worker(TRACES_UPSTREAM=first, TRACES_LIBRARIES="yes")
    traced.run("traces.relay", traced.queue, times=ORDERS)
    assert_each_publish_once(traced)
