"""The application of the real workers: as many tasks as `GROWTH_TASKS` says, each of which says a word on its span.

`GROWTH_BARE` leaves celery-otel out. What a task sets on its span comes to MAIN by the relay.
"""

import os

from celery import Celery
from opentelemetry import trace

TASKS = int(os.environ.get("GROWTH_TASKS", "1"))

app = Celery("growth", broker=os.environ.get("GROWTH_BROKER", "redis://127.0.0.1:6379/0"))
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)


def say() -> None:
    """Set an attribute on the task's span."""
    trace.get_current_span().set_attribute("growth.said", "a word")


for number in range(TASKS):
    app.task(say, name=f"growth.task{number:04}")

if not os.environ.get("GROWTH_BARE"):
    import celery_otel

    celery_otel.instrument(app)
