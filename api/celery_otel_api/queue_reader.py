"""What a broker says of a queue, whichever broker it is: an adapter for each is in a file of its own.

What is not known is None, with the reason: never 0.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from kombu.connection import Connection
from kombu.transport.virtual import base as virtual

from celery_otel.broker import said

Reasons = Mapping[str, str]
"""For each field that is None, why."""


@dataclass(frozen=True, slots=True)
class MessageRates:
    """Messages per second, as the broker averages them.

    Attributes:
        published: That came into the queue.
        delivered: That went to consumers, those that came back and went again included.
        acknowledged: That consumers have acknowledged.
    """

    published: float
    delivered: float
    acknowledged: float


@dataclass(frozen=True, slots=True)
class QueueReading:
    """One queue at one moment, as the broker knows it.

    Attributes:
        name: Its name.
        length: Messages that wait in it, of all priorities.
        consumers: Who consumes it; None without a reason if the broker is one that never knows.
        unacknowledged: Messages that were delivered from it and not acknowledged.
        oldest_message_age_seconds: Seconds since the oldest of the messages that are read next was published.
        length_by_priority: Its length by the priority that kombu gave the messages.
        rates: How fast messages come and go.
        reasons: Why a field is None.
    """

    name: str
    length: int | None = None
    consumers: int | None = None
    unacknowledged: int | None = None
    oldest_message_age_seconds: float | None = None
    length_by_priority: Mapping[int, int] | None = None
    rates: MessageRates | None = None
    reasons: Reasons = field(default_factory=dict)


Reader = Callable[[Connection, Collection[str]], dict[str, QueueReading]]
"""Reads queues by their names. It blocks; an error of the connection is passed on, as kombu raises it."""

EMPTY = "The queue is empty."
_NOT_TOLD = "Kombu has no way to ask a broker of this kind for it."
BROKER_TELLS_NOT = {
    "unacknowledged": _NOT_TOLD,
    "oldest_message_age_seconds": _NOT_TOLD,
    "length_by_priority": _NOT_TOLD,
    "rates": _NOT_TOLD,
}


def read_plainly(connection: Connection, names: Collection[str]) -> dict[str, QueueReading]:
    """Reads the lengths of queues from a broker of which kombu can tell nothing else."""
    channel = connection.default_channel
    return {name: _plain(channel, name) for name in names}


def _plain(channel: Any, name: str) -> QueueReading:
    length, reason = _length(channel, name)
    reasons = BROKER_TELLS_NOT if length is not None else {"length": reason, **BROKER_TELLS_NOT}
    return QueueReading(name, length=length, reasons=reasons)


def _length(channel: Any, name: str) -> tuple[int | None, str]:
    """The length, or why it is not known."""
    if not _counts(channel):
        return None, "Kombu does not count the messages of a broker of this kind, or was told not to."
    try:
        # A passive declaration would make the queue with some transports: these two only look.
        if not channel._has_queue(name):  # noqa: SLF001  # what kombu's own passive declaration asks
            return None, f"The broker has no queue {name}: it is made when somebody publishes to it or consumes it."
        return int(channel._size(name)), ""  # noqa: SLF001  # what kombu's own passive declaration asks
    except channel.connection.client.channel_errors as error:
        return None, f"The broker refused to tell it: {said(error)}."


def _counts(channel: Any) -> bool:
    """Whether kombu's 0 means that there is no message."""
    if getattr(type(channel), "_size", None) in (None, virtual.AbstractChannel._size):  # noqa: SLF001  # which says 0
        return False
    if type(channel).__module__ == "kombu.transport.confluentkafka":
        return False  # It counts only what this process consumes.
    return bool(getattr(channel, "calc_queue_size", True))
