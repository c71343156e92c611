"""Reads queues from RabbitMQ: by AMQP what a passive declaration tells, the rest from its management API."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kombu.connection import Connection

from celery_otel.broker import said
from celery_otel_api.queue_reader import QueueReading
from celery_otel_api.rabbitmq_management import ManagedQueue, ManagementError, RabbitMQManagement

_NOT_FOUND = 404
_MISSING = "The broker has no queue {}: it is made when somebody publishes to it or consumes it."
_UNREADABLE = "RabbitMQ lets nobody read a message without taking it."
_ONE_LENGTH = "RabbitMQ tells one length for all priorities."
_BY_MANAGEMENT = (
    "AMQP does not tell it, RabbitMQ's management API does: set CELERY_OTEL_API_RABBITMQ_MANAGEMENT_URL to its address."
)
_NOT_THERE_YET = "RabbitMQ's management API does not have it yet: it gathers figures every few seconds."


@dataclass(frozen=True, slots=True)
class _Managed:
    queues: Mapping[str, ManagedQueue]
    reason: str


class RabbitMQQueues:
    """Reads queues from RabbitMQ.

    Args:
        management: Its management API, if that is known.
    """

    def __init__(self, management: RabbitMQManagement | None = None) -> None:
        self._management = management

    def __call__(self, connection: Connection, names: Collection[str]) -> dict[str, QueueReading]:
        """Reads them: see `queue_reader.Reader`."""
        declared = {name: _declared(connection, name) for name in names}
        managed = self._managed(connection.virtual_host or "/")
        return {name: _reading(name, declared[name], managed) for name in names}

    def _managed(self, virtual_host: str) -> _Managed:
        if self._management is None:
            return _Managed({}, _BY_MANAGEMENT)
        try:
            return _Managed(self._management.queues(virtual_host), _NOT_THERE_YET)
        except ManagementError as error:
            return _Managed({}, str(error))


def _declared(connection: Any, name: str) -> tuple[int, int] | str:
    """Length and consumers, or why they are not known."""
    # Its own channel each time: an error closes it.
    channel = connection.channel()
    try:
        answer = channel.queue_declare(name, passive=True)
    except connection.channel_errors as error:
        missing = getattr(error, "reply_code", None) == _NOT_FOUND
        return _MISSING.format(name) if missing else f"RabbitMQ refused to tell it: {said(error)}."
    finally:
        connection.maybe_close_channel(channel)
    return int(answer.message_count), int(answer.consumer_count)


def _reading(name: str, declared: tuple[int, int] | str, managed: _Managed) -> QueueReading:
    reasons = {"oldest_message_age_seconds": _UNREADABLE, "length_by_priority": _ONE_LENGTH}
    length = consumers = None
    if isinstance(declared, str):
        reasons |= dict.fromkeys(("length", "consumers"), declared)
    else:
        length, consumers = declared
    found = managed.queues.get(name, ManagedQueue(None, None))
    unknown = declared if isinstance(declared, str) else managed.reason
    reasons |= {field: unknown for field in ("unacknowledged", "rates") if getattr(found, field) is None}
    return QueueReading(
        name,
        length=length,
        consumers=consumers,
        unacknowledged=found.unacknowledged,
        rates=found.rates,
        reasons=reasons,
    )
