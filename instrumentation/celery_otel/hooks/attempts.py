"""Turns what Celery does with a request into the life of an attempt. No method raises: Celery never sees our errors."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from celery_otel import names
from celery_otel.core.attempt import Attempt, Identity
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.core.decision import decide
from celery_otel.core.labels import BoundedLabel
from celery_otel.core.ledger import Ledger
from celery_otel.core.outcome import (
    TIMED_OUT,
    Limit,
    Outcome,
    RevocationCause,
    Status,
)
from celery_otel.failures import HookFailures
from celery_otel.hooks import report
from celery_otel.hooks.publish import published_at
from celery_otel.hooks.queues import Queues
from celery_otel.hooks.tracing import AttemptTracing

P = ParamSpec("P")


HOOKS: list[str] = []
"""The names of all hooks: values of the label `hook`."""
Hook = Callable[Concatenate["AttemptHooks", P], None]


def guarded(method: Hook[P]) -> Hook[P]:
    """Makes a hook take its own exceptions: the task goes on, whatever happens here."""
    HOOKS.append(method.__name__)

    @wraps(method)
    def hook(self: "AttemptHooks", /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is ours and must not reach the worker
            self.failures.take(method.__name__, error)

    return hook


class AttemptHooks:
    """The life of attempts, as the requests of one worker live it.

    Args:
        ledger: Where attempts are opened, started and ended.
        queues: Tells the queue of a message.
        task_label: Bounds the task names.
        tracing: Gives attempts their spans; None where there are none.
        failures: Takes what goes wrong here.
        clock: Where the time comes from.
    """

    def __init__(
        self,
        ledger: Ledger,
        queues: Queues,
        task_label: BoundedLabel,
        tracing: AttemptTracing | None,
        failures: HookFailures,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.failures = failures
        self._ledger = ledger
        self._queues = queues
        self._task_label = task_label
        self._tracing = tracing
        self._clock = clock

    @guarded
    def received(self, request: Any) -> None:
        """The worker made a request of a message."""
        headers = request.request_dict
        attempt = Attempt(
            self._task_label(request.task.name),
            self._queues.of_message(request.message),
            _identity(request),
            self._clock.wall(),
            published_at=published_at(headers),
            eta=None if request.eta is None else _timestamp(request.eta),
        )
        request._celery_otel_attempt = attempt  # noqa: SLF001  # ours, on Celery's object
        self._ledger.receive(attempt, request)
        # After the count: whatever goes wrong with the span, the numbers stay true.
        if self._tracing is not None:
            with self.failures.taken("span"):
                self._tracing.received(request, attempt)

    @guarded
    def started(self, request: Any, attempt: Attempt, pid: Any, accepted: float) -> None:
        """The pool accepted it, at a monotonic time."""
        self._ledger.start(attempt, request, accepted)
        if self._tracing is not None:
            with self.failures.taken("span"):
                self._tracing.started(attempt, pid)

    @guarded
    def reported(self, request: Any, attempt: Attempt, result: Any) -> None:
        """The pool's callback brought a result, and Celery has handled it."""
        if self._tracing is not None:
            with self.failures.taken("span"):
                self._tracing.reported(request, attempt, result)
        said, runtime = report.of_result(result)
        self._end(attempt, decide(attempt, said), runtime)

    @guarded
    def failed(self, request: Any, attempt: Attempt, info: Any) -> None:
        """The pool itself reported a failure, and Celery has handled it."""
        if self._tracing is not None:
            with self.failures.taken("span"):
                self._tracing.failed(request, attempt, info)
        self._end(attempt, decide(attempt, report.of_exception(info)))

    @guarded
    def timed_out(self, attempt: Attempt, *, soft: bool) -> None:
        """A time limit was exceeded. A hard one ends the attempt, unless the pool's report came first."""
        if soft:
            self._ledger.exceed(attempt, Limit.SOFT)
            return
        self._end(attempt, TIMED_OUT)

    @guarded
    def revoked(self, attempt: Attempt, reason: str) -> None:
        """Celery announced it as revoked. If it has started, the pool's report will tell what came of it."""
        if attempt.started_at is not None:
            attempt.revoked = True
            return
        self._end(attempt, Outcome(Status.REVOKED, detail=RevocationCause(reason)))

    @guarded
    def rejected(self, attempt: Attempt, *, requeue: bool) -> None:
        """Its message is about to be rejected. That never ends an attempt: Celery 5.4 may still run it."""
        attempt.requeued = requeue
        if attempt.started_at is None and not requeue:
            kind = sys.exc_info()[0]
            attempt.refusal = kind.__name__ if kind is not None else ""
            # Celery 5.4 runs it all the same, and at once: nobody waits for that ETA.
            attempt.eta = None

    def _end(self, attempt: Attempt, outcome: Outcome, runtime: float | None = None) -> None:
        if self._ledger.end(attempt, outcome, runtime) and outcome is TIMED_OUT:
            self._ledger.exceed(attempt, Limit.HARD)
        if self._tracing is not None:
            with self.failures.taken("span"):
                self._tracing.complete_many()

    def invalid(self, reason: str) -> None:
        """A message was no task."""
        self._ledger.count(names.MESSAGES_INVALID, reason)

    def unknown(self) -> None:
        """A message was for a task that is not registered here."""
        self._ledger.count(names.TASK_UNKNOWN)


def _identity(request: Any) -> Identity:
    """What is the same when a message is delivered again. A replacement (`Task.replace`) keeps the id it replaces."""
    headers = request.request_dict
    return str(request.id), str(headers.get("retries") or 0), str(headers.get("replaced_task_nesting") or 0)


def _timestamp(moment: Any) -> float | None:
    """A moment as a Unix time; None for one that has none, which is then Celery's to refuse."""
    try:
        return float(moment.timestamp())
    except (OverflowError, ValueError, OSError):
        return None
