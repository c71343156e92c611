"""A Celery worker in a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import ProcessDiedError
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.session_guard import session_members
from celery_otel_pipeline.worker import CeleryWorker
from tests.integration.pipeline.echo_app import echo
from tests.integration.pipeline.survivors import wait_until_gone


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a broker for all tests here."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def worker(broker: RedisServer, tmp_path: Path) -> Iterator[CeleryWorker]:
    """Run a prefork worker of two children."""
    app = "tests.integration.pipeline.echo_app"
    made = CeleryWorker("w", app=app, broker_url=broker.url, directory=tmp_path, concurrency=2, cwd=ROOT)
    with made:
        yield made


def test_worker_is_ready_with_its_children(worker: CeleryWorker) -> None:
    """A started worker consumes under its node name, and its pool is there."""
    assert f"{worker.node_name} ready." in worker.log
    assert len(worker.children) == 2


def test_worker_runs_a_task(worker: CeleryWorker, broker: RedisServer) -> None:
    """A task that is sent to the broker runs there."""
    app = echo.app
    with app.connection_for_write(broker.url) as connection:
        echo.apply_async(["hello"], connection=connection, ignore_result=True)

    wait_until(lambda: "succeeded" in worker.log, deadline=30, message=lambda: f"the task did not run\n{worker.log}")
    assert worker.warm_stop() == 0


@pytest.mark.parametrize("ending", ["warm_stop", "cold_stop", "kill"])
def test_no_child_outlives_the_worker(worker: CeleryWorker, ending: str) -> None:
    """However a worker ends, its whole pool is gone, and it can be started again."""
    session = worker.pid

    getattr(worker, ending)()
    assert session_members(session) == []
    assert not psutil.pid_exists(session)

    worker.start()
    assert worker.alive


def test_worker_that_cannot_start_says_why(broker: RedisServer, tmp_path: Path) -> None:
    """An application that does not exist is an error at once, with what Celery says."""
    worker = CeleryWorker("w", app="no_such_application", broker_url=broker.url, directory=tmp_path)

    with pytest.raises(ProcessDiedError, match="no_such_application"):
        worker.start()
    wait_until_gone(tmp_path)
