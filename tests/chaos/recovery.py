"""Whether a worker has come through the loss of its broker, and what a supervisor does with one that has not."""

from celery_otel_pipeline.worker import CeleryWorker
from tests.acceptance.ledger.driver import ANSWER_TIME
from tests.acceptance.ledger.scene import Scene

#: With Redis down while messages are unacknowledged, Celery 5.7 ends the worker (kombu restores them to a connection
#: that it has closed); the running tasks end first.
_DIES = "Unrecoverable error"


def gives_up(worker: CeleryWorker) -> bool:
    """Whether Celery ends the worker instead of connecting again."""
    return _DIES in worker.process.log_since_start


def answers(scene: Scene, worker: CeleryWorker) -> bool:
    """Whether the worker answers over a new connection: over one that is cut it cannot."""
    errors = scene.producer.connection_for_write().connection_errors
    try:
        return bool(scene.producer.control.ping(destination=[worker.node_name], timeout=ANSWER_TIME))
    except errors:
        return False
