"""The Celery application of the ledger and its settings, all of them from the environment.

It knows nothing of the product: `application.py` adds the one call, so that the plan can be tried on bare Celery too.
"""

import os
from functools import cache
from typing import Any

from celery import Celery, signals

from tests.acceptance.ledger.journal import Journal

QUEUE = os.environ.get("LEDGER_QUEUE", "ledger")


def _settings() -> dict[str, Any]:
    """Celery's settings for this run."""
    return {
        "broker_url": os.environ.get("LEDGER_BROKER_URL", "redis://127.0.0.1:6379/0"),
        "result_backend": os.environ.get("LEDGER_RESULT_BACKEND", "redis://127.0.0.1:6379/1"),
        "task_acks_late": os.environ.get("LEDGER_ACKS_LATE") == "1",
        "task_default_queue": QUEUE,
        "worker_prefetch_multiplier": int(os.environ.get("LEDGER_PREFETCH", "2")),
        # How long Celery waits for the result of a child that died: long enough for one on its way, else 10 s each.
        "worker_lost_wait": 1.0,
        "worker_cancel_long_running_tasks_on_connection_loss": os.environ.get("LEDGER_CANCEL_ON_LOSS") == "1",
        "broker_connection_retry_on_startup": True,
        "worker_hijack_root_logger": True,
        "worker_redirect_stdouts": False,
    }


app = Celery("ledger")
app.conf.update(_settings())


@cache
def journal() -> Journal:
    """This process's journal, made when first asked for: a pool child makes its own connections."""
    return Journal(os.environ.get("LEDGER_JOURNAL", "redis://127.0.0.1:6379/2"))


def _note_child(**_: Any) -> None:
    """Note each child's birth: the driver counts restarts from it."""
    journal().note_child(os.environ["LEDGER_WORKER"], os.getpid())


# In the run's own workers alone: the driver's process imports this module too, and other tests have workers in it.
if "LEDGER_WORKER" in os.environ:
    signals.worker_process_init.connect(_note_child, weak=False)
