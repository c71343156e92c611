"""What is known of a message that is being published."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Broker:
    """Where messages go.

    Attributes:
        system: What it is, as the semantic conventions name it, such as `rabbitmq`.
        address: Its host or the path of its socket; empty if it has none.
        port: Its port; 0 if it has none.
    """

    system: str
    address: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class Publication:
    """A message and where it goes. Texts are empty where nothing is known.

    Attributes:
        broker: The broker.
        task: The task's name.
        task_id: The task's id.
        correlation_id: The message's.
        retries: How often the task has been retried before.
        eta: The earliest start that is asked for, in ISO 8601.
        queue: The queue; exchange and routing key where no queue is named.
        exchange: The exchange's name; empty for the default one.
        exchange_type: direct, topic, fanout or headers.
        routing_key: The routing key.
        size: Bytes of the serialized body; None if nobody asked.
    """

    broker: Broker
    task: str
    task_id: str = ""
    correlation_id: str = ""
    retries: int = 0
    eta: str = ""
    queue: str = ""
    exchange: str = ""
    exchange_type: str = ""
    routing_key: str = ""
    size: int | None = None
