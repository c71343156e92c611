"""The application of the runbooks' commands: `celery -A shop`."""

from celery import Celery

import celery_otel

app = Celery("shop")
app.conf.task_default_queue = "orders"


@app.task(name="shop.order")
def order() -> str:
    """Do next to nothing."""
    return "ordered"


celery_otel.instrument(app)
