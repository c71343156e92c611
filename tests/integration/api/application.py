"""A small application for the tests of the API; with `SHOP_PLAIN` set its workers are not instrumented."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from celery import Celery, Task

import celery_otel

app = Celery("shop", broker="redis://unset", backend=os.environ.get("SHOP_BACKEND"))
app.conf.broker_connection_retry_on_startup = True
app.conf.task_default_queue = os.environ.get("SHOP_QUEUE", "celery")


@app.task(name="shop.add")
def add(left: float, right: float) -> float:
    """Succeeds at once."""
    return left + right


@app.task(name="shop.hold")
def hold(path: str, seconds: float = 60.0) -> str:
    """Runs until a file is there, or for so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not Path(path).exists():
        time.sleep(0.02)
    return path


@app.task(name="shop.fail")
def fail(message: str) -> None:
    """Fails."""
    raise ValueError(message)


@app.task(name="shop.again", bind=True, max_retries=1)
def again(self: Task, countdown: float) -> None:
    """Is retried once, after so many seconds, and then fails."""
    raise self.retry(exc=KeyError("again"), countdown=countdown)


@app.task(name="shop.odd")
def odd(kind: str) -> object:
    """Returns what JSON has no word for."""
    return {"nan": float("nan"), "time": datetime(2026, 1, 2, 10, 30, tzinfo=UTC)}[kind]


if not os.environ.get("SHOP_PLAIN"):
    celery_otel.instrument(app)
