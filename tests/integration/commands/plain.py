"""The same application, not instrumented."""

import time
from pathlib import Path

from celery import Celery

app = Celery("shop")
app.conf.broker_connection_retry_on_startup = True


# Under the other's name: its worker would throw the message away where it gets it.
@app.task(name="tests.integration.commands.application.order")
def order(door: str) -> None:
    """Runs until there is a file of that name."""
    while not Path(door).exists():
        time.sleep(0.05)
