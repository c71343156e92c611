"""Tells which broker a connection of kombu leads to. Never by its URL, which holds a password."""

from typing import Any

from celery_otel.core.publication import Broker

_SYSTEMS = {
    "amqp": "rabbitmq",
    "gcpubsub": "gcp_pubsub",
    "sqs": "aws_sqs",
    "SQS": "aws_sqs",
    "azureservicebus": "servicebus",
    "N/A": "unknown",
}
"""What the semantic conventions call the brokers that kombu calls otherwise."""


def broker_of(connection: Any) -> Broker:
    """The broker of a connection, which need not be open; the first one of several."""
    transport = connection.get_transport_cls()
    system = _SYSTEMS.get(transport.driver_type, str(transport.driver_type))
    hostname = str(connection.hostname or "")
    if "://" in hostname:
        # A socket of this machine, which kombu keeps as socket:///path.
        return Broker(system, hostname.partition("://")[2])
    if not transport.default_port:
        return Broker(system)
    return Broker(system, hostname or "localhost", int(connection.port or transport.default_port))
