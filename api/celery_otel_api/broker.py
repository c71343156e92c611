"""The library's connection to the broker, with the errors of this package."""

from collections.abc import Iterator
from contextlib import contextmanager

from celery import Celery
from kombu.connection import Connection

from celery_otel import broker
from celery_otel_api.errors import BrokerUnreachableError


@contextmanager
def broker_connection(app: Celery, timeout: float) -> Iterator[Connection]:
    """Connects, and closes the connection in the end.

    Args:
        app: The application, whose broker it is.
        timeout: Seconds; as long may it be silent afterwards.

    Raises:
        BrokerUnreachableError: It does not answer, or the connection broke.
    """
    with _translated(), broker.connected(app, timeout) as connection:
        yield connection


@contextmanager
def failures_told(connection: Connection) -> Iterator[None]:
    """Tells whatever the connection's libraries raise as one error of ours.

    Raises:
        BrokerUnreachableError: The broker does not answer, or the connection broke.
    """
    with _translated(), broker.failures_told(connection):
        yield


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except broker.BrokerAwayError as error:
        raise BrokerUnreachableError(str(error)) from error
