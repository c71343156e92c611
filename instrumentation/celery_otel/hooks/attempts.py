"""Turns what Celery does with a request into the life of an attempt. No method raises: Celery never sees our errors."""

import sys
from collections.abc import Callable
from functools import wraps
from operator import attrgetter
from typing import Any, Concatenate, ParamSpec

from celery.worker.request import Request

from celery_otel import names
from celery_otel.core.attempt import Attempt
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.core.decision import decide
from celery_otel.core.ledger import Ledger
from celery_otel.core.outcome import (
    KILLED,
    SUCCESS,
    TIMED_OUT,
    Outcome,
    RevocationCause,
    Status,
)
from celery_otel.failures import HookFailures
from celery_otel.hooks import report
from celery_otel.hooks.tracing import AttemptTracing
from celery_otel.message_headers import COUNTED

P = ParamSpec("P")


# The hooks of every task guard themselves: `guarded` costs a call more, and time while the worker's queue is full.
HOOKS: list[str] = ["received", "started", "reported"]
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


_FIELDS = ("eta", "request_dict")
# Celery's properties of these names only read attributes, and cost a call each.
_OF_REQUEST = attrgetter("id", *(f"_{field}" if hasattr(Request, f"_{field}") else field for field in _FIELDS))


class AttemptHooks:
    """The life of attempts, as the requests of one worker live it.

    Args:
        ledger: Where attempts are opened, started and ended.
        tracing: Gives attempts their spans; None where there are none.
        failures: Takes what goes wrong here.
        clock: Where the time comes from.

    Attributes:
        killed: Called with the process id of each child that is killed with its task, which has been ended before.
    """

    def __init__(
        self,
        ledger: Ledger,
        tracing: AttemptTracing | None,
        failures: HookFailures,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.failures = failures
        self.killed: Callable[[Any], None] = _ignore
        self._ledger = ledger
        self._tracing = tracing
        # Those of every task, which are not looked up for each.
        self._receive, self._start, self._finish = ledger.receive, ledger.start, ledger.end
        self._children = tracing is not None and tracing.children
        self._headers = COUNTED if tracing is None else tracing.headers
        self._wall = clock.wall

    def received(self, request: Any) -> None:
        """The worker made a request of a message."""
        try:
            task_id, eta, headers = _OF_REQUEST(request)
            attempt = Attempt()
            attempt.id, attempt.headers = task_id, tuple(map(headers.get, self._headers))
            attempt.task = request._celery_otel_task  # noqa: SLF001  # ours, on Celery's class
            attempt.received_at = self._wall()
            if eta is not None:
                attempt.eta = _timestamp(eta)
            if self._tracing is not None:
                self._trace(self._tracing, attempt, headers)
            request._celery_otel_attempt = attempt  # noqa: SLF001  # ours, on Celery's object
            self._receive(attempt, request)
        except Exception as error:  # noqa: BLE001  # as in `guarded`
            self.failures.take("received", error)

    def _trace(self, tracing: AttemptTracing, attempt: Attempt, headers: Any) -> None:
        try:
            tracing.received(attempt, headers)
        except Exception as error:  # noqa: BLE001  # whatever goes wrong with the span, the numbers stay true
            self.failures.take("span", error)

    def started(self, attempt: Attempt, pid: Any, accepted: float) -> None:
        """The pool accepted it, at a monotonic time. What is no child's process id is something else's."""
        try:
            self._start(attempt, accepted)
            if self._children:
                attempt.pid = pid
        except Exception as error:  # noqa: BLE001  # as in `guarded`
            self.failures.take("started", error)

    def reported(self, request: Any, attempt: Attempt, result: Any) -> None:
        """The pool's callback brought a result, and Celery has handled it."""
        try:
            said, runtime = report.of_result(result)
            if self._tracing is not None and (said is not report.SUCCEEDED or self._tracing.content):
                with self.failures.taken("span"):
                    self._tracing.reported(request, attempt, result)
            posted = self._finish(attempt, SUCCESS if said is report.SUCCEEDED else decide(attempt, said), runtime)
            if self._tracing is not None and (posted or self._tracing.collects):
                self._complete(self._tracing)
        except Exception as error:  # noqa: BLE001  # as in `guarded`
            self.failures.take("reported", error)

    @guarded
    def failed(self, request: Any, attempt: Attempt, info: Any) -> None:
        """The pool itself reported a failure, and Celery has handled it."""
        if self._tracing is not None:
            with self.failures.taken("span"):
                self._tracing.failed(request, attempt, info)
        self._end(attempt, decide(attempt, report.of_exception(info)), getattr(request, "worker_pid", None))

    @guarded
    def timed_out(self, attempt: Attempt, *, soft: bool, pid: Any = None) -> None:
        """A time limit was exceeded. A hard one ends the attempt, unless the pool's report came first."""
        if soft:
            self._ledger.exceed(attempt)
            return
        self._end(attempt, TIMED_OUT, pid)

    @guarded
    def revoked(self, attempt: Attempt, reason: str) -> None:
        """Celery announced it as revoked. If it has started, the pool's report will tell what came of it."""
        if attempt.accepted:
            attempt.revoked = True
            return
        self._end(attempt, Outcome(Status.REVOKED, detail=RevocationCause(reason)))

    @guarded
    def rejected(self, attempt: Attempt, *, requeue: bool) -> None:
        """Its message is about to be rejected. That never ends an attempt: Celery 5.4 may still run it."""
        attempt.requeued = requeue
        if not attempt.accepted and not requeue:
            kind = sys.exc_info()[0]
            attempt.refusal = kind.__name__ if kind is not None else ""
            # Celery 5.4 runs it all the same, and at once: nobody waits for that ETA.
            attempt.eta = None

    def _end(self, attempt: Attempt, outcome: Outcome, pid: Any = None) -> None:
        self._finish(attempt, outcome)
        if outcome in KILLED:
            with self.failures.taken("run"):
                self.killed(pid)
        if self._tracing is not None:
            self._complete(self._tracing)

    def _complete(self, tracing: AttemptTracing) -> None:
        with self.failures.taken("span"):
            tracing.complete_many()

    def invalid(self, reason: str) -> None:
        """A message was no task."""
        self._ledger.count(names.MESSAGES_INVALID, reason)

    def unknown(self) -> None:
        """A message was for a task that is not registered here."""
        self._ledger.count(names.TASK_UNKNOWN)


def _timestamp(moment: Any) -> float | None:
    """A moment as a Unix time; None for one that has none, which is then Celery's to refuse."""
    try:
        return float(moment.timestamp())
    except (OverflowError, ValueError, OSError):
        return None


def _ignore(_: Any) -> None:
    """Where there are no children, none is killed."""
