"""A small application whose workers are asked what they do; not instrumented where `BARE` is set."""

import os
import time

from celery import Celery

import celery_otel

app = Celery("shop", broker="redis://unset", backend=None)
app.conf.update(broker_connection_retry_on_startup=True, worker_prefetch_multiplier=2)


@app.task(name="shop.order")
def order(seconds: float = 0.0) -> float:
    """Succeeds after so many seconds."""
    time.sleep(seconds)
    return seconds


@app.task(name="shop.refuse")
def refuse() -> None:
    """Fails."""
    raise KeyError("refused")


if not os.environ.get("BARE"):
    celery_otel.instrument(app)
