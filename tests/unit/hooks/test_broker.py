"""A broker is named by what it is and where it is, never by its URL."""

import pytest
from kombu.connection import Connection

from celery_otel.core.publication import Broker
from celery_otel.hooks.broker import broker_of


@pytest.mark.parametrize(
    ("expected", "url"),
    [
        (Broker("rabbitmq", "rabbit", 5673), "amqp://user:secret@rabbit:5673/shop"),
        (Broker("rabbitmq", "localhost", 5672), "amqp://"),
        (Broker("rabbitmq", "first", 5672), "amqp://user@first//;amqp://user@second//"),
        (Broker("redis", "cache", 6379), "redis://:secret@cache/0"),
        (Broker("redis", "/run/redis.sock"), "redis+socket:///run/redis.sock"),
        (Broker("memory"), "memory://"),
        (Broker("filesystem"), "filesystem://"),
    ],
)
def test_a_connection_tells_its_broker(expected: Broker, url: str) -> None:
    """System, address and port come from the connection, which is not opened."""
    assert expected == broker_of(Connection(url))
