"""What the span of an attempt says beside what is the same for every attempt of its task and queue."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from celery_otel import attributes
from celery_otel.core.attempt import Attempt
from celery_otel.core.labels import MAX_LENGTH
from celery_otel.core.outcome import SUCCESS, Outcome, ReturnCause, Status
from celery_otel.core.span import AttributeValue, Pairs
from celery_otel.message_headers import CONTENT, COUNTED, SHOWN
from celery_otel.stamps import CHORD
from celery_otel.untrusted import text

CONTENT_LENGTH = 1024
"""The most characters of arguments, results and messages of exceptions: as many as Celery itself keeps."""

_OF_HEADER = {
    "correlation_id": attributes.CONVERSATION_ID,
    "root_id": attributes.TASK_ROOT_ID,
    "parent_id": attributes.TASK_PARENT_ID,
    "group": attributes.GROUP_ID,
    "eta": attributes.TASK_ETA,
    CHORD: attributes.CHORD_ID,
    "argsrepr": attributes.TASK_ARGS,
    "kwargsrepr": attributes.TASK_KWARGS,
}
_SHOWN = [(_OF_HEADER[header], MAX_LENGTH) for header in SHOWN]
_SHOWN += [(_OF_HEADER[header], CONTENT_LENGTH) for header in CONTENT]
_RETRIES = COUNTED.index("retries")
_FIRST_SHOWN = len(COUNTED)
_MOST = 2**53
"""No task is retried more often. What is remembered of a number must not depend on what somebody sends."""

STATES: Mapping[Status | ReturnCause | None, str] = {
    **{status: status.upper() for status in Status},
    ReturnCause.REQUEUED: "REJECTED",
    ReturnCause.CANCELLED: "CANCELLED",
}
"""What `celery.task.state` says: Celery's word where it has one."""


def attempt_attributes(attempt: Attempt, outcome: Outcome) -> dict[str, AttributeValue]:
    """What the span of an attempt says when it has ended, beside what it shares with many others."""
    found = message_attributes(attempt)
    found.update(attempt.attributes)
    if outcome is not SUCCESS:
        _add_cause(found, outcome)
    if attempt.started_at is not None:
        _add_waits(found, attempt, attempt.started_at)
    return found


def message_attributes(attempt: Attempt) -> dict[str, AttributeValue]:
    """What the message of an attempt says."""
    found: dict[str, AttributeValue] = {attributes.MESSAGE_ID: attempt.identity[0][:MAX_LENGTH]}
    if not attempt.headers:
        return found
    for index, value in enumerate(attempt.headers[_FIRST_SHOWN:]):
        if value is not None:
            attribute, length = _SHOWN[index]
            found[attribute] = (value if isinstance(value, str) else text(value))[:length]
    return found


def shared_pairs(attempt: Attempt, outcome: Outcome) -> Pairs:
    """What the span of an attempt says as many others do: how it ended, where it ran, and how often it was retried."""
    state = STATES[outcome.status or outcome.returned]
    if not attempt.headers:
        return _shared(state, None, None)
    retries, pid = attempt.headers[_RETRIES], attempt.pid
    if type(retries) is not int or not 0 <= retries < _MOST:
        retries = _number(retries)
    return _shared(state, retries, pid if type(pid) is int else None)


@lru_cache(maxsize=1024)
def _shared(state: str, retries: int | None, pid: int | None) -> Pairs:
    pairs: list[tuple[str, AttributeValue]] = [(attributes.TASK_STATE, state), (attributes.UPSTREAM_STATE, state)]
    if retries is not None:
        pairs.append((attributes.TASK_RETRIES, retries))
    if retries:
        pairs.append((attributes.UPSTREAM_RETRIES, retries))
    if pid is not None:
        pairs.append((attributes.PROCESS_PID, pid))
    return tuple(pairs)


def _number(value: Any) -> int:
    """A number from the network, which may be anything: what is none is 0, and what has no end is cut."""
    try:
        return max(-_MOST, min(int(value or 0), _MOST))
    except (TypeError, ValueError, OverflowError):
        return 0


def _add_cause(found: dict[str, AttributeValue], outcome: Outcome) -> None:
    if outcome.status is Status.REVOKED:
        found[attributes.REVOKED_CAUSE] = outcome.detail
    if outcome.status is Status.RETRY:
        found[attributes.RETRY_REASON] = outcome.detail


def _add_waits(found: dict[str, AttributeValue], attempt: Attempt, started_at: float) -> None:
    """How long an attempt waited, in seconds, for what."""
    found[attributes.PREFETCH_TIME] = max(0.0, started_at - attempt.ready_at)
    if attempt.eta is not None:
        found[attributes.ETA_LAG] = max(0.0, started_at - attempt.eta)
    if attempt.published_at is not None:
        found[attributes.QUEUE_TIME] = max(0.0, started_at - max(attempt.published_at, attempt.eta or 0.0))
