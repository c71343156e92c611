"""The application whose workers are disturbed. `BROKEN_HOOK` breaks what one of our own hooks needs."""

import os
from typing import Any, NoReturn

from celery import Celery

import celery_otel
from celery_otel.core.ledger import Ledger
from celery_otel.hooks.queues import Queues

app = Celery("disturbed", broker="redis://unset", backend=os.environ.get("DISTURBED_BACKEND"))
app.conf.broker_connection_retry_on_startup = True
# With the logger's name, which Celery leaves out: the tests count lines by it.
app.conf.worker_log_format = app.conf.worker_task_log_format = (
    "[%(asctime)s: %(levelname)s/%(processName)s] %(name)s: %(message)s"
)

BREAKABLE: dict[str, tuple[type, str]] = {
    "received": (Queues, "of_message"),
    "started": (Ledger, "start"),
    "reported": (Ledger, "end"),
}


@app.task(name="disturbed.double")
def double(number: int) -> int:
    """Does a little work."""
    return 2 * number


def _broken(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError("broken on purpose")


hook = os.environ.get("BROKEN_HOOK")
if hook:
    setattr(*BREAKABLE[hook], _broken)

celery_otel.instrument(app)
