"""What a worker does for the beat that is embedded in it (`celery worker -B`)."""

from collections.abc import Callable
from typing import Any


def beat_awaiter(worker: Any, seconds: float) -> Callable[..., None]:
    """A receiver of `worker_shutdown` that waits for the embedded beat, which the worker has told to end.

    Celery does not, and in a container the end of the worker's main process would cut off the last export of beat's.

    Args:
        worker: Celery's worker.
        seconds: How long to wait at most.
    """

    def wait(sender: Any = None, **_: Any) -> None:
        beat = getattr(worker, "beat", None)
        if sender is worker and beat:
            beat.join(seconds)

    return wait
