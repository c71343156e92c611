"""The application of the asyncio pool: coroutines and plain functions that end in several ways."""

import asyncio
import os
from typing import Any

import celery_aio_pool  # type: ignore[import-not-found]  # it is in an environment of its own
from celery import Celery

import celery_otel

app = Celery("aio", broker="redis://unset", backend=os.environ.get("AIO_BACKEND"))
app.conf.broker_connection_retry_on_startup = True
# As its page says: Celery's own tracer takes a coroutine for a result.
celery_aio_pool.patch_celery_tracer()


@app.task(name="aio.succeed")
async def succeed(number: int) -> int:
    """Waits a moment, as others do at the same time."""
    await asyncio.sleep(0.05)
    return number


@app.task(name="aio.fail")
async def fail(number: int) -> int:
    """Fails after a moment."""
    await asyncio.sleep(0.01)
    raise ValueError(number)


@app.task(name="aio.again", bind=True, max_retries=1, default_retry_delay=0)
async def again(self: Any, number: int) -> int:
    """Succeeds at the second attempt."""
    await asyncio.sleep(0.01)
    if not self.request.retries:
        raise self.retry(countdown=0)
    return number


@app.task(name="aio.plain")
def plain(number: int) -> int:
    """A plain function."""
    return number


celery_otel.instrument(app)
