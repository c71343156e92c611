"""The API's own series of a moment: what it knows of workers, broker, queues and collector."""

from collections.abc import Iterable

from celery_otel import names
from celery_otel.metric import Labels, Metric, Readings, Value
from celery_otel_api.fleet import Member, Presence
from celery_otel_api.queues_schemas import QueueStatus
from celery_otel_api.snapshot import Snapshot

_UP = {Presence.ONLINE: 1, Presence.SILENT: 1, Presence.OFFLINE: 0}


def readings(snapshot: Snapshot, queues: Iterable[QueueStatus], *, collector_up: bool | None) -> Readings:
    """The series of a moment. What is not known is absent.

    Args:
        snapshot: The newest picture of the workers.
        queues: The queues.
        collector_up: Whether the collector's page could be read; None if that is not tried.
    """
    return {
        **_of_queues(queues),
        names.WORKER_UP: {
            (worker_name(member),): _UP[member.presence] for member in snapshot.members if member.presence in _UP
        },
        # A snapshot that was never taken says nothing about the broker.
        names.BROKER_UP: {(): int(snapshot.broker_connected)} if snapshot.taken_at else {},
        names.CELERY_OTEL_API_COLLECTOR_UP: {} if collector_up is None else {(): int(collector_up)},
    }


def _of_queues(queues: Iterable[QueueStatus]) -> dict[Metric, dict[Labels, Value]]:
    found: dict[Metric, dict[Labels, Value]] = {
        names.QUEUE_LENGTH: {},
        names.QUEUE_CONSUMERS: {},
        names.QUEUE_OLDEST_MESSAGE_AGE: {},
    }
    for queue in queues:
        values = (queue.length, queue.consumers, queue.oldest_message_age_seconds)
        for series, value in zip(found.values(), values, strict=True):
            if value is not None:
                series[queue.name,] = value
    return found


def worker_name(member: Member) -> str:
    """The name that a worker has on its own series: its node name, unless it has told another."""
    return (member.answer.worker_name if member.answer else "") or member.name
