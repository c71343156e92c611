"""The small application with names that attack the page, and its service in a process of its own."""

import os
import time
from pathlib import Path

from starlette.applications import Starlette

from celery_otel_api.application import application
from celery_otel_api.settings import ApiSettings
from tests.integration.api.application import app
from tests.integration.api.hostile import HOSTILE, HOSTILE_ERROR


@app.task(name=HOSTILE)
def hold(path: str) -> None:
    """Runs until a file is there."""
    end = time.monotonic() + 60
    while time.monotonic() < end and not Path(path).exists():
        time.sleep(0.02)


@app.task(name=f"{HOSTILE}.fail")
def fail() -> None:
    """Fails with an exception of a class with such a name."""
    raise type(HOSTILE_ERROR, (Exception,), {})


def service() -> Starlette:
    """The service, for `uvicorn --factory`."""
    app.conf.broker_url = os.environ["SHOP_BROKER"]
    return application(app, ApiSettings.read(refresh_interval=0.2))
