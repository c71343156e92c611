"""Puts together what the broker and what the workers say of a queue."""

from dataclasses import asdict

from celery_otel.inspection import STATES
from celery_otel_api.fleet import Presence
from celery_otel_api.held_tasks import Held, consumers, held_by_queue
from celery_otel_api.queue_reader import QueueReading
from celery_otel_api.queue_survey import QueueSurvey
from celery_otel_api.queues_schemas import QueueStatus, Rates
from celery_otel_api.snapshot import Snapshot

_NO_LENGTH = "It is a sum, of which a part is not known."


def queue_statuses(survey: QueueSurvey, snapshot: Snapshot) -> list[QueueStatus]:
    """Every queue of a survey.

    Args:
        survey: What the broker said.
        snapshot: What the workers said.
    """
    held = held_by_queue(snapshot, survey.by_routing_key)
    return [_status(reading, snapshot, held) for reading in survey.queues.values()]


def _status(reading: QueueReading, snapshot: Snapshot, held: dict[str, Held]) -> QueueStatus:
    reasons = dict(reading.reasons)
    states = {state: _of_workers(reading.name, state, snapshot, held, reasons) for state in STATES}
    unreported = _unreported(reading.unacknowledged, states, reasons)
    members = list(consumers(snapshot, reading.name))
    return QueueStatus(
        name=reading.name,
        length=reading.length,
        consumers=_consumers(reading, snapshot, len(members), reasons),
        unacknowledged=reading.unacknowledged,
        **states,
        unreported=unreported,
        backlog=_backlog(reading.length, states, unreported, reasons),
        oldest_message_age_seconds=reading.oldest_message_age_seconds,
        length_by_priority=None if reading.length_by_priority is None else dict(reading.length_by_priority),
        rates=None if reading.rates is None else Rates(**asdict(reading.rates)),
        workers=[member.name for member in members],
        silent=[member.name for member in members if member.presence is Presence.SILENT],
        reasons=reasons,
    )


def _of_workers(
    queue: str, state: str, snapshot: Snapshot, held: dict[str, Held], reasons: dict[str, str]
) -> int | None:
    number, reason = held[state].of(queue) if snapshot.broker_connected else (None, snapshot.reason)
    if number is None:
        reasons[state] = reason
    return number


def _consumers(reading: QueueReading, snapshot: Snapshot, workers: int, reasons: dict[str, str]) -> int | None:
    if reading.consumers is not None or "consumers" in reasons:
        return reading.consumers
    if not snapshot.broker_connected:
        reasons["consumers"] = snapshot.reason
        return None
    return workers


def _unreported(unacknowledged: int | None, states: dict[str, int | None], reasons: dict[str, str]) -> int | None:
    known = [number for number in states.values() if number is not None]
    if unacknowledged is None or len(known) < len(states):
        reasons["unreported"] = reasons.get("unacknowledged", _NO_LENGTH)
        return None
    return max(0, unacknowledged - sum(known))


def _backlog(
    length: int | None, states: dict[str, int | None], unreported: int | None, reasons: dict[str, str]
) -> int | None:
    parts = (length, *states.values())
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        reasons["backlog"] = _NO_LENGTH
        return None
    return sum(known) + (unreported or 0)
