"""The rules that decide how an attempt ended, from what the pool reported and what Celery announced."""

from celery_otel.core.attempt import Attempt
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

_BY_ITSELF = {ReportKind.SUCCEEDED: SUCCESS, ReportKind.IGNORED: IGNORED, ReportKind.TIMED_OUT: TIMED_OUT}
_WITH_A_CLASS = {ReportKind.RAISED: Status.FAILURE, ReportKind.RETRIED: Status.RETRY}


def decide(attempt: Attempt, report: Report) -> Outcome:
    """The outcome of an attempt that the pool reported on, read after Celery's own handler ran."""
    if report.kind in _BY_ITSELF:
        return _BY_ITSELF[report.kind]
    if report.kind in _WITH_A_CLASS:
        return Outcome(_WITH_A_CLASS[report.kind], detail=report.error)
    if report.kind is ReportKind.REJECTED:
        return REQUEUED if attempt.requeued else REJECTED
    return decide_killed(attempt, report)


def decide_killed(attempt: Attempt, report: Report) -> Outcome:
    """The outcome of an attempt that did not end by itself: what Celery did about it decides."""
    if attempt.cancelled:
        return CANCELLED
    if attempt.revoked or report.kind is ReportKind.TERMINATED:
        return TERMINATED
    if attempt.stored_success:
        return SUCCESS
    if attempt.retried_after_loss:
        return Outcome(Status.RETRY, detail=report.error)
    return LOST


def decide_silent(attempt: Attempt, cause: ReturnCause) -> Outcome:
    """The outcome of an attempt that Celery let go of without a word.

    Args:
        attempt: The attempt.
        cause: Why attempts that wait are let go of now.
    """
    if cause is ReturnCause.KILLED:
        # What had started may have gone on, in a child that outlived its worker: nobody has seen its end.
        return Outcome(returned=cause)
    if attempt.refusal:
        return Outcome(Status.FAILURE, detail=attempt.refusal)
    if attempt.started_at is None:
        return Outcome(returned=cause)
    if attempt.revoked:
        return TERMINATED
    if attempt.cancelled or cause is ReturnCause.SHUTDOWN:
        return CANCELLED
    return LOST
