"""The shop's Celery application. `SHOP_BARE` leaves celery-otel out, `SHOP_PERIOD` gives beat something to do."""

import math
import os
import signal
import time
from typing import Any, NoReturn

from celery import Celery, Task
from celery.exceptions import Ignore, Reject
from opentelemetry import trace

import celery_otel
from tests.acceptance.traced.shared import DYING, SECRET

URL = os.environ.get("SHOP_URL", "redis://unset")
QUEUE = os.environ.get("SHOP_QUEUE", "shop")


app = Celery("shop", broker=URL, backend=URL)
app.conf.update(
    task_default_queue=QUEUE,
    broker_connection_retry_on_startup=True,
    # How long Celery waits for the result of a child that died.
    worker_lost_wait=1.0,
)
if period := os.environ.get("SHOP_PERIOD"):
    app.conf.beat_schedule = {"order": {"task": "shop.order", "schedule": float(period)}}


class ExpectedError(Exception):
    """A failure that is no error."""


class UnpicklableError(Exception):
    """An exception that cannot be sent to another process."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)
        self.second = lambda: second


@app.task(name="shop.order")
def order(*_: Any, **__: Any) -> str:
    """Succeeds."""
    return SECRET


@app.task(name="shop.pid")
def pid() -> int:
    """Tells the process that it runs in."""
    return os.getpid()


@app.task(name="shop.label")
def label() -> None:
    """Sets an attribute on its current span."""
    trace.get_current_span().set_attribute("shop.label", "blue")


@app.task(name="shop.recording")
def recording() -> tuple[str, bool]:
    """Tells its trace, and whether its current span is recorded."""
    span = trace.get_current_span()
    return f"{span.get_span_context().trace_id:032x}", span.is_recording()


@app.task(name="shop.ship")
def ship() -> None:
    """Publishes another task."""
    order.delay()


@app.task(name="shop.pack")
def pack() -> None:
    """Runs another task where it is."""
    order.apply(throw=True)


@app.task(name="shop.again", bind=True, max_retries=2)
def again(self: Task) -> None:
    """Is retried twice and then fails."""
    raise self.retry(exc=KeyError(SECRET), countdown=0)


@app.task(name="shop.poll")
def poll(left: int) -> None:
    """Publishes itself so many times."""
    if left:
        poll.delay(left - 1)


def _charge() -> None:
    raise ValueError(SECRET)


@app.task(name="shop.fail")
def fail() -> None:
    """Fails with one exception because of another."""
    try:
        _charge()
    except ValueError as error:
        raise LookupError(f"{SECRET}\nand more of {SECRET}") from error


@app.task(name="shop.unpicklable")
def unpicklable() -> NoReturn:
    """Fails with an exception that cannot be pickled."""
    raise UnpicklableError(SECRET, SECRET)


@app.task(name="shop.expected", throws=(ExpectedError,))
def expected() -> NoReturn:
    """Fails as its caller expects."""
    raise ExpectedError(SECRET)


@app.task(name="shop.ignore")
def ignore() -> NoReturn:
    """Has no result."""
    raise Ignore


@app.task(name="shop.reject", acks_late=True)
def reject() -> NoReturn:
    """Rejects its message."""
    raise Reject(SECRET)


def work_on_models() -> None:
    """A search with a training in it, which say all that can be said."""
    with celery_otel.tuning("grid") as search:
        with celery_otel.training("forest", samples=10, features=2) as run:
            run.score(0.9)
        search.iteration(score=0.9, depth=3)
        search.iteration(score=math.nan, depth=4)
        search.tell(None, {"depth": 5}, state="pruned")


@app.task(name="shop.models")
def models() -> None:
    """Trains and tunes."""
    work_on_models()


@app.task(name="shop.sleep")
def sleep(seconds: float) -> None:
    """Takes so long."""
    time.sleep(seconds)


@app.task(name="shop.too_long", time_limit=1)
def too_long() -> None:
    """Exceeds its hard limit."""
    time.sleep(60)


@app.task(name="shop.impatient", soft_time_limit=1)
def impatient() -> None:
    """Exceeds its soft limit and does not catch it."""
    time.sleep(60)


@app.task(name="shop.die")
def die() -> None:
    """Ends its process after a while."""
    time.sleep(DYING)
    os.kill(os.getpid(), signal.SIGKILL)


if "SHOP_BARE" not in os.environ:
    celery_otel.instrument(app)
