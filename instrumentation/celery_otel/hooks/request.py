"""The request class of Celery, with an attempt in every request.

Celery generates a class per task (`celery.worker.strategy.create_request_cls`); ours is a subclass of that one, so that
it sees also what the generated class redefines. Every method calls Celery's in a `try`, since that may raise and the
attempt has ended all the same.
"""

from typing import Any

from celery_otel.core.attempt import Attempt
from celery_otel.hooks.attempts import AttemptHooks

_CELERYS: Any = object
"""What `super()` is in the methods below: the class that Celery generated, known only when the worker starts."""


class AttemptMethods(_CELERYS):
    """What a request does beside what Celery's does: it tells the hooks."""

    _celery_otel_hooks: AttemptHooks
    _celery_otel_task: str
    _celery_otel_attempt: Attempt | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._celery_otel_hooks.received(self)

    def on_accepted(self, pid: Any, time_accepted: float) -> Any:
        """The pool has accepted it. Told before Celery's own acts: that one may at once terminate the task."""
        if (attempt := self._celery_otel_attempt) is not None:
            self._celery_otel_hooks.started(attempt, pid, time_accepted)
        return super().on_accepted(pid, time_accepted)

    def on_success(self, failed__retval__runtime: Any, **kwargs: Any) -> Any:
        """The pool brings a result, which may be a failure."""
        if (attempt := self._celery_otel_attempt) is None:
            return super().on_success(failed__retval__runtime, **kwargs)
        attempt.reporting = True
        try:
            return super().on_success(failed__retval__runtime, **kwargs)
        finally:
            self._celery_otel_hooks.reported(self, attempt, failed__retval__runtime)

    def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> Any:
        """The pool itself reports a failure, or `on_success` has found one in its result."""
        try:
            return super().on_failure(exc_info, *args, **kwargs)
        finally:
            attempt = self._celery_otel_attempt
            if attempt is not None and not attempt.reporting:
                self._celery_otel_hooks.failed(self, attempt, exc_info)

    def on_timeout(self, soft: bool, timeout: Any) -> Any:  # noqa: FBT001  # Celery's signature
        """A time limit is exceeded."""
        try:
            return super().on_timeout(soft, timeout)
        finally:
            if (attempt := self._celery_otel_attempt) is not None:
                self._celery_otel_hooks.timed_out(attempt, soft=soft, pid=self.worker_pid)

    # Before Celery's own acts, in these two: gevent reports a killed greenlet before Celery has announced its killing.

    def terminate(self, pool: Any, signal: Any = None) -> Any:
        """Kills the task. If it goes on all the same, its own end counts."""
        self._note_kill("revoked")
        return super().terminate(pool, signal=signal)

    def cancel(self, pool: Any, *args: Any, **kwargs: Any) -> Any:
        """Abandons the task, for a shutdown or a lost connection. If it goes on all the same, its own end counts."""
        self._note_kill("cancelled")
        return super().cancel(pool, *args, **kwargs)

    def _note_kill(self, flag: str) -> None:
        attempt = self._celery_otel_attempt
        if attempt is not None and attempt.accepted:
            setattr(attempt, flag, True)

    def reject(self, requeue: bool = False) -> Any:  # noqa: FBT001, FBT002  # Celery's signature
        """Rejects the message, unless it is settled already."""
        attempt = self._celery_otel_attempt
        if attempt is not None and not self.acknowledged:
            self._celery_otel_hooks.rejected(attempt, requeue=requeue)
        return super().reject(requeue=requeue)

    def _announce_revoked(self, reason: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return super()._announce_revoked(reason, *args, **kwargs)
        finally:
            if (attempt := self._celery_otel_attempt) is not None:
                self._celery_otel_hooks.revoked(attempt, reason)

    def _success_was_stored(self) -> Any:
        stored = super()._success_was_stored()
        if (attempt := self._celery_otel_attempt) is not None:
            attempt.stored_success = bool(stored)
        return stored

    def _retry_worker_lost(self, *args: Any, **kwargs: Any) -> Any:
        retried = super()._retry_worker_lost(*args, **kwargs)
        if (attempt := self._celery_otel_attempt) is not None:
            attempt.retried_after_loss = bool(retried)
        return retried


class HandingOver(_CELERYS):
    """What a request does that tells when it is handed over, for pools that keep what was.

    A pool that has a semaphore gives back what it has not started when the connection is lost, so it makes no
    difference there, and the call that this costs each task is saved.
    """

    _celery_otel_attempt: Attempt | None

    def execute_using_pool(self, pool: Any, **kwargs: Any) -> Any:
        """Hands the task to the pool."""
        if (attempt := self._celery_otel_attempt) is not None:
            attempt.handed_over = True
        return super().execute_using_pool(pool, **kwargs)


def request_class(base: Any, hooks: AttemptHooks, pool: Any, task: str) -> Any:
    """A subclass of a request class whose requests live as attempts.

    Args:
        base: The class that Celery generated for a task.
        hooks: Where the life of the attempts is kept.
        pool: The worker's pool.
        task: The task's name.
    """
    keeps = () if discards(pool) else (HandingOver,)
    own = {"_celery_otel_hooks": hooks, "_celery_otel_task": task, "__module__": base.__module__}
    return type(base.__name__, (AttemptMethods, *keeps, base), own)


def discards(pool: Any) -> bool:
    """Whether a pool that loses its connection gives back what it has not started."""
    return bool(getattr(pool, "uses_semaphore", False))
