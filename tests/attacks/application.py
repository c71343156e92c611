"""The application that is attacked. `ATTACK_BARE` leaves it without the product: what Celery does by itself."""

import os

from celery import Celery

import celery_otel
from tests.attacks.hostile_ends import ENDS

app = Celery("attacked", broker="redis://unset", backend=os.environ.get("ATTACK_BACKEND"))
app.conf.broker_connection_retry_on_startup = True
# With the logger's name: lines are counted by it.
app.conf.worker_log_format = app.conf.worker_task_log_format = (
    "[%(asctime)s: %(levelname)s/%(processName)s] %(name)s: %(message)s"
)


@app.task(name="attack.echo")
def echo(number: int) -> int:
    """Does what it is asked to."""
    return number


@app.task(name="attack.end")
def end(name: str) -> object:
    """Ends as badly as its name says."""
    return ENDS[name]()


@app.task(name="attack.fail_as")
def fail_as(name: str) -> None:
    """Fails with an exception of a class that nobody has seen before."""
    raise type(name, (Exception,), {})("made up")


@app.task(name="attack.garbage")
def garbage(seed: int, number: int) -> int:
    """Writes into the way to MAIN what no instrumented task writes; gives how many datagrams went."""
    from tests.attacks.garbage import write_garbage  # noqa: PLC0415  # a bare worker does without the product

    return write_garbage(seed, number)


if "ATTACK_BARE" not in os.environ:
    celery_otel.instrument(app)
