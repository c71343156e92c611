"""A small application for the integration tests."""

import os
import time

from celery import Celery, Task

import celery_otel
from tests.told_runs import told_run

app = Celery("shop", broker="redis://unset", backend=os.environ.get("SHOP_BACKEND"))
app.conf.broker_connection_retry_on_startup = True


@app.task
def order(seconds: float = 0.0) -> float:
    """Succeeds after so many seconds."""
    time.sleep(seconds)
    return seconds


@app.task
def refuse(kind: str) -> None:
    """Fails with an exception whose class has the name that is asked for."""
    raise type(kind, (Exception,), {})


@app.task(name="shop.again", bind=True, max_retries=1, default_retry_delay=0)
def again(self: Task) -> None:
    """Is retried once and then fails."""
    raise self.retry(exc=KeyError("again"))


@app.task(name="shop.train")
def train() -> None:
    """Searches for the best of one model."""
    with told_run("tuning", "grid") as search, told_run("training", "forest", samples=10, features=2):
        search.iteration(0.5)


celery_otel.instrument(app)
