"""The Celery application of the fault tests, for workers, beat and the API; its settings come as JSON."""

import json
import os
import time
from pathlib import Path
from typing import Any, Never

from celery import Celery
from celery.app.task import Task
from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import task_received

import celery_otel
from celery_otel_pipeline.polling import wait_until

app = Celery("faults", broker="redis://unset", set_as_current=False)
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    # A child that is killed has no result on its way.
    worker_lost_wait=1.0,
    **json.loads(os.environ.get("FAULTS_SETTINGS", "{}")),
)


@app.task(name="faults.nothing")
def nothing() -> None:
    """Succeed at once."""


@app.task(name="faults.fail")
def fail() -> Never:
    """Raise."""
    raise ValueError("as planned")


@app.task(name="faults.often")
def often(divisor: int) -> float:
    """Raise for 0."""
    return 1 / divisor


@app.task(name="faults.slow")
def slow() -> str:
    """Run until the soft time limit, and end well then."""
    try:
        time.sleep(60)
    except SoftTimeLimitExceeded:
        return "in time"
    return "too late"


@app.task(name="faults.retry", bind=True, max_retries=None)
def retry(self: Task, times: int) -> None:
    """Ask for so many retries, each at once, then succeed."""
    if self.request.retries < times:
        raise self.retry(countdown=0)


@app.task(name="faults.twice")
def twice() -> None:
    """Is delivered twice."""


@app.task(name="faults.hold")
def hold(directory: str) -> None:
    """Say who runs it, and run until the gate is there."""
    place = Path(directory)
    (place / f"pid-{os.getpid()}").touch()
    wait_until((place / "gate").exists, deadline=300, message="the gate did not open")


@app.task(name="faults.tick")
def tick() -> None:
    """What beat sends."""


def _stall(request: Any, **_: Any) -> None:
    """Hold up a worker's main process when it receives a task, as a user's signal handler may that waits for a lock."""
    stalls = Path(os.environ["FAULTS_STALL"])
    wait_until(lambda: not stalls.exists(), deadline=300, message=f"{stalls} does not go away, at {request.id}")


if "FAULTS_STALL" in os.environ:
    task_received.connect(_stall, weak=False)

celery_otel.instrument(app)
