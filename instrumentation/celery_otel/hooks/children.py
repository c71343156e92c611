"""The children of a prefork pool: whether there are any, and how many replaced one that ended."""

from collections.abc import Callable
from functools import wraps
from typing import Any


def forks(worker: Any) -> bool:
    """Whether a worker's main process goes on forking children as long as it lives."""
    return str(worker.pool_cls.__module__) == "celery.concurrency.prefork"


class ChildRestarts:
    """Tells a replacement from a first child and from growth, by the size that the pool is meant to have.

    Args:
        restarted: Called for each replacement.
    """

    def __init__(self, restarted: Callable[[], None]) -> None:
        self._restarted = restarted
        self._pool: Any = None
        self._size = 0
        self._expected = 0

    def created(self, pool: Any) -> None:
        """The pool is about to create a child (signal `worker_before_create_process`)."""
        if pool is not self._pool:
            self._watch(pool)
        grown = pool._processes - self._size  # noqa: SLF001  # billiard has no public name for it
        if grown > 0:
            self._size += grown
            self._expected += grown
        if self._expected > 0:
            self._expected -= 1
            return
        self._restarted()

    def release(self) -> None:
        """Leaves the pool as it was."""
        if self._pool is not None:
            del self._pool.on_shrink
            self._pool = None

    def _watch(self, pool: Any) -> None:
        self.release()
        self._pool = pool
        self._size = 0
        original = pool.on_shrink

        @wraps(original)
        def on_shrink(number: int) -> Any:
            self._size -= number
            return original(number)

        pool.on_shrink = on_shrink
