"""Zero code on the pools of greenlets: what must be patched is patched before Celery is imported.

For `-P gevent` and `-P eventlet`, Celery's command patches the standard library before it imports anything else. With
`opentelemetry-instrument`, instrumentations import Celery even before that, and a worker whose Celery was imported
first receives tasks and never runs them. A package of its own, since `celery_otel` imports Celery.
"""

import logging
import sys
from collections.abc import Sequence

import celery

GEVENT_VARIABLE = "OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH"
logger = logging.getLogger("celery_otel")


def prepare(argv: Sequence[str] | None = None) -> None:
    """Patches for eventlet, or says what gevent needs; `opentelemetry-instrument` calls it before all instrumentations.

    gevent cannot be patched here: what OpenTelemetry's SDK has started by now keeps it from seeing the locks that are
    held. `opentelemetry-instrument` itself does it earlier, if it is told to.

    Args:
        argv: The command line, if not that of this process.
    """
    words = set(sys.argv if argv is None else argv)
    if words & {"eventlet", "--pool=eventlet"}:
        celery.maybe_patch_concurrency()
    if words & {"gevent", "--pool=gevent"} and not _patched():
        logger.error("This worker will not run tasks: with the pool gevent, set %s=patch_all.", GEVENT_VARIABLE)


def _patched() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))
