"""An application whose worker's main process kills itself after so many receipts, between two events of its loop.

Between two events: what Celery has logged by then and what has been counted by then can be compared exactly.
"""

import logging
import os
import resource
import signal
from itertools import count
from typing import Any

from celery import Celery, Task, signals

import celery_otel

app = Celery("shop", broker="redis://unset", backend=os.environ.get("SHOP_BACKEND"))
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_prefetch_multiplier = 8


@app.task(name="shop.limited", rate_limit=os.environ.get("SHOP_RATE"))
def limited(number: int) -> int:
    """Succeeds, if it is let."""
    return number


@app.task(name="shop.mixed", bind=True, max_retries=1, default_retry_delay=0)
def mixed(self: Task, number: int) -> int:
    """Succeeds, fails, or is retried and succeeds, as its number says."""
    if number % 5 == 0:
        raise KeyError(number)
    if number % 7 == 0 and not self.request.retries:
        raise self.retry(countdown=0)
    return number


_receipts = count(1)


@signals.task_received.connect(weak=False)
def _kill_later(sender: Any, **_: Any) -> None:
    if next(_receipts) == int(os.environ.get("SHOP_KILLED_AFTER", "0")):
        sender.timer.call_after(0.05, os.kill, (os.getpid(), signal.SIGKILL))


@signals.worker_init.connect(weak=False)
def _limit_files(**_: Any) -> None:
    """No file of this process may become larger: what a full disk is to the log of a state."""
    if size := int(os.environ.get("SHOP_LARGEST_FILE", "0")):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        # The limit is meant for the state: Celery's own log is to have room.
        for logger in ("celery.app.trace", "celery.worker.strategy"):
            logging.getLogger(logger).setLevel(logging.CRITICAL)


celery_otel.instrument(app)
