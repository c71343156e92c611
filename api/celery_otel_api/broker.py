"""A connection to the broker that is there in time or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager

from celery import Celery
from kombu.connection import Connection
from kombu.exceptions import OperationalError

from celery_otel.broker import said
from celery_otel_api.errors import BrokerUnreachableError

_TIMEOUTS = {"redis": ("socket_timeout",), "amqp": ("read_timeout", "write_timeout")}
"""What kombu's transports call the seconds that a server may be silent; without, they wait for ever."""


@contextmanager
def broker_connection(app: Celery, timeout: float) -> Iterator[Connection]:
    """Connects, and closes the connection in the end.

    Args:
        app: The application, whose broker it is.
        timeout: Seconds; as long may it be silent afterwards.

    Raises:
        BrokerUnreachableError: It does not answer, or the connection broke.
    """
    connection = app.connection_for_write(connect_timeout=timeout / 2, heartbeat=0)
    try:
        with failures_told(connection):
            options = dict.fromkeys(_TIMEOUTS.get(connection.transport.driver_type, ()), timeout)
            connection.transport_options = {**options, **connection.transport_options}
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=timeout)
            yield connection
    finally:
        connection.release()


@contextmanager
def failures_told(connection: Connection) -> Iterator[None]:
    """Tells whatever the connection's libraries raise as one error of ours.

    Raises:
        BrokerUnreachableError: The broker does not answer, or the connection broke.
    """
    try:
        yield
    except _failures(connection) as error:
        raise BrokerUnreachableError(f"The broker at {connection.as_uri()} does not answer: {said(error)}.") from error


def _failures(connection: Connection) -> tuple[type[BaseException], ...]:
    errors = (OSError, OperationalError, *connection.connection_errors, *connection.channel_errors)
    # Kombu counts it among those of Redis: one that is our own must not pass for the broker's.
    return tuple(error for error in errors if error is not KeyError)
