"""A small application that is instrumented."""

import time
from pathlib import Path

from celery import Celery

import celery_otel

app = Celery("shop")
app.conf.broker_connection_retry_on_startup = True


@app.task
def order(door: str) -> None:
    """Runs until there is a file of that name."""
    while not Path(door).exists():
        time.sleep(0.05)


celery_otel.instrument(app)
