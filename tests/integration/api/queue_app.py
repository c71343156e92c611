"""An application whose task runs until it is let go."""

import json
import os
from pathlib import Path

from celery import Celery

import celery_otel
from celery_otel_pipeline.polling import wait_until

app = Celery("queues", broker="redis://unset", set_as_current=False)
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=4,
    **json.loads(os.environ.get("QUEUE_APP_SETTINGS", "{}")),
)


@app.task(name="hold")
def hold(until: str) -> None:
    """Runs until a file is there."""
    wait_until(Path(until).exists, deadline=120, message=f"{until} did not appear")


celery_otel.instrument(app)
