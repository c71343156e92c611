"""The rules that decide how an attempt ended."""

import pytest

from celery_otel.core.attempt import Attempt
from celery_otel.core.decision import decide, decide_silent
from celery_otel.core.outcome import (
    CANCELLED,
    IGNORED,
    LOST,
    REJECTED,
    REQUEUED,
    SUCCESS,
    TERMINATED,
    TIMED_OUT,
    Outcome,
    Report,
    ReportKind,
    ReturnCause,
    Status,
)

K = ReportKind


def attempt(*flags: str, started: bool = True) -> Attempt:
    """An attempt with some flags up."""
    made = Attempt.described("shop.order", "celery", ("id", "0", "0"), 0.0)
    made.started_at = 1.0 if started else None
    for flag in flags:
        setattr(made, flag, True)
    return made


@pytest.mark.parametrize(
    ("expected", "report", "flags"),
    [
        (SUCCESS, Report(K.SUCCEEDED), ()),
        # SIGINT or SIGUSR1 were announced as terminations, and the task went on to its own end.
        (SUCCESS, Report(K.SUCCEEDED), ("revoked",)),
        (Outcome(Status.FAILURE, detail="ValueError"), Report(K.RAISED, "ValueError"), ("revoked",)),
        (Outcome(Status.RETRY, detail="KeyError"), Report(K.RETRIED, "KeyError"), ()),
        (IGNORED, Report(K.IGNORED), ()),
        (REJECTED, Report(K.REJECTED), ()),
        (REQUEUED, Report(K.REJECTED), ("requeued",)),
        (TIMED_OUT, Report(K.TIMED_OUT), ()),
        (TERMINATED, Report(K.TERMINATED), ()),
        (CANCELLED, Report(K.TERMINATED), ("cancelled",)),
        (LOST, Report(K.LOST, "WorkerLostError"), ()),
        (LOST, Report(K.LOST, "WorkerLostError"), ("requeued",)),
        (TERMINATED, Report(K.LOST, "WorkerLostError"), ("revoked",)),
        (CANCELLED, Report(K.LOST, "SystemExit"), ("cancelled",)),
        (SUCCESS, Report(K.LOST, "WorkerLostError"), ("stored_success",)),
        (Outcome(Status.RETRY, detail="WorkerLostError"), Report(K.LOST, "WorkerLostError"), ("retried_after_loss",)),
        # gevent claims success for a greenlet that it killed.
        (TERMINATED, Report(K.KILLED_QUIETLY), ("revoked",)),
        (LOST, Report(K.KILLED_QUIETLY), ()),
    ],
)
def test_decide(expected: Outcome, report: Report, flags: tuple[str, ...]) -> None:
    """The pool's report and what Celery announced before it give the outcome."""
    assert expected == decide(attempt(*flags), report)


@pytest.mark.parametrize("cause", list(ReturnCause))
def test_an_attempt_that_waited_is_returned(cause: ReturnCause) -> None:
    """What Celery lets go of unstarted is returned with the cause of the moment."""
    assert Outcome(returned=cause) == decide_silent(attempt(started=False), cause)


@pytest.mark.parametrize(
    ("expected", "cause", "flags"),
    [
        (CANCELLED, ReturnCause.SHUTDOWN, ()),
        (LOST, ReturnCause.DROPPED, ()),
        (LOST, ReturnCause.CONNECTION_LOST, ()),
        (CANCELLED, ReturnCause.CONNECTION_LOST, ("cancelled",)),
        (TERMINATED, ReturnCause.DROPPED, ("revoked",)),
        (Outcome(returned=ReturnCause.KILLED), ReturnCause.KILLED, ()),
    ],
)
def test_an_attempt_that_ran(expected: Outcome, cause: ReturnCause, flags: tuple[str, ...]) -> None:
    """What Celery lets go of while it runs was cancelled, terminated or lost; with its worker, nobody knows."""
    assert expected == decide_silent(attempt(*flags), cause)


def test_an_attempt_that_the_worker_refused_failed() -> None:
    """An ETA that cannot be converted is a failure with the class of the conversion's error."""
    refused = attempt(started=False)
    refused.refusal = "OverflowError"
    assert Outcome(Status.FAILURE, detail="OverflowError") == decide_silent(refused, ReturnCause.DROPPED)
