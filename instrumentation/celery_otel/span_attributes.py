"""What the span of an attempt says beside what is the same for every attempt of its task and queue."""

from collections.abc import Mapping
from typing import Any

from celery_otel import attributes
from celery_otel.core.attempt import Attempt
from celery_otel.core.labels import MAX_LENGTH
from celery_otel.core.outcome import Outcome, ReturnCause, Status
from celery_otel.core.span import AttributeValue
from celery_otel.stamps import CHORD

CONTENT_LENGTH = 1024
"""The most characters of arguments, results and messages of exceptions: as many as Celery itself keeps."""

_HEADERS = {
    "correlation_id": attributes.CONVERSATION_ID,
    "root_id": attributes.TASK_ROOT_ID,
    "parent_id": attributes.TASK_PARENT_ID,
    "group": attributes.GROUP_ID,
    "eta": attributes.TASK_ETA,
    CHORD: attributes.CHORD_ID,
}
_CONTENT = {"argsrepr": attributes.TASK_ARGS, "kwargsrepr": attributes.TASK_KWARGS}

SHOWN = ("retries", *_HEADERS)
"""The message headers that a span shows: an attempt keeps their values in this order."""
SHOWN_CONTENT = tuple(_CONTENT)
"""And those that it shows only if it may show content."""

STATES: Mapping[Status | ReturnCause | None, str] = {
    **{status: status.upper() for status in Status},
    ReturnCause.REQUEUED: "REJECTED",
    ReturnCause.CANCELLED: "CANCELLED",
}
"""What `celery.task.state` says: Celery's word where it has one."""


def message_attributes(attempt: Attempt) -> dict[str, AttributeValue]:
    """What the message of an attempt says."""
    found: dict[str, AttributeValue] = {attributes.MESSAGE_ID: attempt.identity[0][:MAX_LENGTH]}
    if not attempt.headers:
        return found
    retries = _number(attempt.headers[0])
    found[attributes.TASK_RETRIES] = retries
    if retries:
        found[attributes.UPSTREAM_RETRIES] = retries
    for attribute, value in zip(_HEADERS.values(), attempt.headers[1:], strict=False):
        if value is not None:
            found[attribute] = str(value)[:MAX_LENGTH]
    for attribute, value in zip(_CONTENT.values(), attempt.headers[len(SHOWN) :], strict=False):
        if value is not None:
            found[attribute] = str(value)[:CONTENT_LENGTH]
    if isinstance(attempt.pid, int):
        found[attributes.PROCESS_PID] = attempt.pid
    return found


def _number(value: Any) -> int:
    """A number from the network, which may be anything."""
    try:
        return int(value or 0)
    except (TypeError, ValueError, OverflowError):
        return 0


def outcome_attributes(attempt: Attempt, outcome: Outcome) -> dict[str, AttributeValue]:
    """What the end of an attempt adds to its span."""
    state = STATES[outcome.status or outcome.returned]
    found: dict[str, AttributeValue] = {attributes.TASK_STATE: state, attributes.UPSTREAM_STATE: state}
    if outcome.status is Status.REVOKED:
        found[attributes.REVOKED_CAUSE] = outcome.detail
    if outcome.status is Status.RETRY:
        found[attributes.RETRY_REASON] = outcome.detail
    if attempt.started_at is not None:
        found.update(waits(attempt, attempt.started_at))
    return found


def waits(attempt: Attempt, started_at: float) -> dict[str, AttributeValue]:
    """How long an attempt waited, in seconds, for what."""
    found: dict[str, AttributeValue] = {attributes.PREFETCH_TIME: max(0.0, started_at - attempt.ready_at)}
    if attempt.eta is not None:
        found[attributes.ETA_LAG] = max(0.0, started_at - attempt.eta)
    if attempt.published_at is not None:
        found[attributes.QUEUE_TIME] = max(0.0, started_at - max(attempt.published_at, attempt.eta or 0.0))
    return found
