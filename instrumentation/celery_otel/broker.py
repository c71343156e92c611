"""What the commands ask the broker themselves: whether it is there, and how much waits in its queues.

Everything is bounded in time, and a broker that fails is an error, never an empty queue.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from celery import Celery
from kombu.connection import Connection
from kombu.exceptions import OperationalError

from celery_otel.errors import CeleryOtelError

_NOT_FOUND = "404"
_SILENCE = {"redis": ("socket_timeout",), "amqp": ("read_timeout", "write_timeout")}
"""What kombu's transports call the seconds that a server may be silent; without, they wait for ever."""


class BrokerAwayError(CeleryOtelError):
    """The broker does not answer, or the connection to it broke."""


@contextmanager
def connected(app: Celery, timeout: float) -> Iterator[Connection]:
    """Connects to the broker, and closes the connection in the end.

    Args:
        app: The application, whose broker it is.
        timeout: Seconds; as long may it be silent afterwards.

    Raises:
        BrokerAwayError: It does not answer, or the connection broke. The message has no password in it.
    """
    connection = app.connection_for_write(connect_timeout=timeout / 2, heartbeat=0)
    try:
        with failures_told(connection):
            options = dict.fromkeys(_SILENCE.get(connection.transport.driver_type, ()), timeout)
            connection.transport_options = {**options, **connection.transport_options}
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=timeout)
            yield connection
    finally:
        connection.release()


@contextmanager
def failures_told(connection: Connection) -> Iterator[None]:
    """Tells whatever the connection's libraries raise as one error of ours.

    Raises:
        BrokerAwayError: The broker does not answer, or the connection broke.
    """
    try:
        yield
    except _failures(connection) as error:
        raise BrokerAwayError(f"The broker at {connection.as_uri()} does not answer: {said(error)}.") from error


def _failures(connection: Connection) -> tuple[type[BaseException], ...]:
    errors = (OSError, OperationalError, *connection.connection_errors, *connection.channel_errors)
    # Kombu counts it among those of Redis: one that is our own must not pass for the broker's.
    return tuple(error for error in errors if error is not KeyError)


def said(error: BaseException) -> str:
    """What an error says, in one line without a full stop."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


@dataclass(frozen=True, slots=True)
class QueueLength:
    """How much waits in one queue.

    Attributes:
        name: Its name.
        length: Messages that no worker has taken; None if the broker does not tell.
        consumers: Who consumes it according to the broker; None if it does not tell, as Redis.
        reason: Why the length is not known; empty if it is.
    """

    name: str
    length: int | None
    consumers: int | None = None
    reason: str = ""


def queue_names(app: Celery, consumed: Iterable[str]) -> list[str]:
    """The queues that the application declares or routes tasks to, and those that its workers consume."""
    chosen = (getattr(task, "queue", None) for task in app.tasks.values())
    named = {*app.amqp.queues, *_routed(app.conf.task_routes), *filter(None, chosen), *consumed}
    return sorted(str(getattr(name, "name", name)) for name in named)


def _routed(routes: Any) -> Iterator[Any]:
    """The queues in `task_routes`; what a function of the user would say is not known."""
    for route in routes if isinstance(routes, list | tuple) else [routes]:
        targets = route.values() if isinstance(route, Mapping) else ()
        found = (target.get("queue") if isinstance(target, Mapping) else target for target in targets)
        yield from (queue for queue in found if queue is not None)


def queue_lengths(connection: Connection, names: Iterable[str]) -> list[QueueLength]:
    """How much waits in these queues, in their order.

    Raises:
        OSError: Or another of the connection's errors: the broker is away.
    """
    return [_length(connection, name) for name in names]


def _length(connection: Connection, name: str) -> QueueLength:
    # A channel for each: RabbitMQ closes the one on which it was asked for a queue that is not there.
    channel = connection.channel()  # type: ignore[no-untyped-call]  # kombu is typed in part
    try:
        told = channel.queue_declare(queue=name, passive=True)
    except connection.channel_errors as error:
        return _missing(connection, name, error)
    finally:
        channel.close()
    real = connection.transport.driver_type == "amqp"
    return QueueLength(name, int(told.message_count), int(told.consumer_count) if real else None)


def _missing(connection: Connection, name: str, error: Exception) -> QueueLength:
    if str(getattr(error, "reply_code", "")) != _NOT_FOUND:
        return QueueLength(name, None, reason=said(error))
    # Redis has no empty lists: a queue without messages is not there.
    if connection.transport.driver_type == "redis":
        return QueueLength(name, 0)
    return QueueLength(name, None, reason="the broker has no such queue")
