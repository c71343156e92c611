"""An application that knows nothing of OpenTelemetry: `opentelemetry-instrument` does it all."""

import os

from celery import Celery

app = Celery("plain", broker=os.environ.get("TRACES_BROKER", "redis://unset"), backend=os.environ.get("TRACES_BACKEND"))
app.conf.broker_connection_retry_on_startup = True


@app.task(name="plain.order")
def order(queue: str) -> None:
    """Publishes another task."""
    deliver.apply_async(queue=queue)


@app.task(name="plain.deliver")
def deliver() -> None:
    """Does nothing."""
