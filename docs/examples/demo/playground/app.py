"""The Celery application, measured by one call.

Everything that a user adds to an application of their own is the import of `celery_otel` and the call
of `instrument`; the `OTEL_*` variables in the worker's environment say where the numbers go.
"""

import os

from celery import Celery

import celery_otel

app = Celery(
    "playground",
    broker=os.environ.get("PLAYGROUND_BROKER_URL"),
    backend=os.environ.get("PLAYGROUND_RESULT_BACKEND"),
    include=[f"{__package__}.{module}" for module in ("fetch", "pictures", "texts", "training")],
)
app.conf.update(
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)

celery_otel.instrument(app)
