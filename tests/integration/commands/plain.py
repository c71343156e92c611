"""The same application, not instrumented."""

from celery import Celery

app = Celery("shop")
app.conf.broker_connection_retry_on_startup = True
