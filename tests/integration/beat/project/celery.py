"""The Celery application of the Django project."""

import os

from celery import Celery

import celery_otel

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.integration.beat.project.settings")

app = Celery("shop", broker="redis://unset")
app.conf.broker_connection_retry_on_startup = True
# Each run is written into the database at once, so that the test can read it there.
app.conf.beat_sync_every = 1
app.conf.task_default_queue = os.environ.get("BEAT_QUEUE", "celery")

celery_otel.instrument(app)
