"""A connection to the broker that is there in time or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager

from celery import Celery
from kombu.connection import Connection

from celery_otel_api.errors import BrokerUnreachableError


@contextmanager
def broker_connection(app: Celery, timeout: float) -> Iterator[Connection]:
    """Connects, and closes the connection in the end.

    Args:
        app: The application, whose broker it is.
        timeout: Seconds.

    Raises:
        BrokerUnreachableError: It does not answer, or the connection broke.
    """
    connection = app.connection_for_write(connect_timeout=timeout / 2, heartbeat=0)
    try:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=timeout)
        yield connection
    except (OSError, *connection.connection_errors, *connection.channel_errors) as error:
        raise BrokerUnreachableError(f"The broker at {connection.as_uri()} does not answer: {said(error)}.") from error
    finally:
        connection.release()


def said(error: BaseException) -> str:
    """What an error of the network says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__
