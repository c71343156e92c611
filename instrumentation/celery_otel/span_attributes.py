"""What the span of an attempt says beside what is the same for every attempt of its task and queue."""

from collections.abc import Mapping
from typing import Any

from celery_otel import attributes
from celery_otel.core.attempt import Attempt
from celery_otel.core.labels import MAX_LENGTH
from celery_otel.core.outcome import Outcome, ReturnCause, Status
from celery_otel.core.span import AttributeValue
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

STATES: Mapping[Status | ReturnCause | None, str] = {
    **{status: status.upper() for status in Status},
    ReturnCause.REQUEUED: "REJECTED",
    ReturnCause.CANCELLED: "CANCELLED",
}
"""What `celery.task.state` says: Celery's word where it has one."""


def attempt_attributes(attempt: Attempt, outcome: Outcome) -> dict[str, AttributeValue]:
    """What the span of an attempt says when it has ended."""
    found = message_attributes(attempt)
    found.update(attempt.attributes)
    found[attributes.TASK_STATE] = found[attributes.UPSTREAM_STATE] = STATES[outcome.status or outcome.returned]
    if outcome.detail:
        _add_detail(found, outcome)
    if attempt.started_at is not None:
        _add_waits(found, attempt, attempt.started_at)
    return found


def message_attributes(attempt: Attempt) -> dict[str, AttributeValue]:
    """What the message of an attempt says."""
    found: dict[str, AttributeValue] = {attributes.MESSAGE_ID: attempt.identity[0][:MAX_LENGTH]}
    if not attempt.headers:
        return found
    retries = attempt.headers[_RETRIES]
    found[attributes.TASK_RETRIES] = retries = retries if type(retries) is int else _number(retries)
    if retries:
        found[attributes.UPSTREAM_RETRIES] = retries
    for (attribute, length), value in zip(_SHOWN, attempt.headers[len(COUNTED) :], strict=False):
        if value is not None:
            found[attribute] = (value if isinstance(value, str) else text(value))[:length]
    if isinstance(attempt.pid, int):
        found[attributes.PROCESS_PID] = attempt.pid
    return found


def _number(value: Any) -> int:
    """A number from the network, which may be anything."""
    try:
        return int(value or 0)
    except (TypeError, ValueError, OverflowError):
        return 0


def _add_detail(found: dict[str, AttributeValue], outcome: Outcome) -> None:
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
