"""The application whose workers are disturbed. `BROKEN_HOOK` breaks what one of our own hooks needs."""

import os
from typing import Any, NoReturn

from celery import Celery
from opentelemetry import trace

import celery_otel
from tests.integration.out_of_the_way.breakable import BREAKABLE, BREAKABLE_SPANS

app = Celery("disturbed", broker="redis://unset", backend=os.environ.get("DISTURBED_BACKEND"))
app.conf.broker_connection_retry_on_startup = True
# With the logger's name, which Celery leaves out: the tests count lines by it.
app.conf.worker_log_format = app.conf.worker_task_log_format = (
    "[%(asctime)s: %(levelname)s/%(processName)s] %(name)s: %(message)s"
)


@app.task(name="disturbed.double")
def double(number: int) -> int:
    """Does a little work, and tells of it on its span if it has one."""
    trace.get_current_span().set_attribute("disturbed.number", number)
    return 2 * number


def _broken(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError("broken on purpose")


hook = os.environ.get("BROKEN_HOOK")
if hook:
    setattr(*{**BREAKABLE, **BREAKABLE_SPANS}[hook], _broken)

celery_otel.instrument(app)
