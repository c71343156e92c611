"""Reads what Celery says of a message that it is about to publish (signal `before_task_publish`)."""

import re
from collections.abc import Mapping
from typing import Any

from kombu.entity import Queue
from kombu.serialization import dumps

from celery_otel.core.publication import Broker, Publication

_DELAY = re.compile(r"(?:[01]\.){28}")
"""What Celery's native delayed delivery puts before a routing key: the delay in binary, a value per message."""
_DELAYED = "celery_delayed_"


def of_signal(broker: Broker, task: str, signal: Mapping[str, Any], size: int | None = None) -> Publication:
    """A message whose way is known.

    Args:
        broker: The broker.
        task: The task's name.
        signal: The arguments of the signal.
        size: Bytes of the serialized body.
    """
    # Celery's old protocol 1 has in the body what is in the headers since.
    headers = signal["headers"] if "id" in signal["headers"] else signal["body"]
    exchange, routing_key = _name(signal["exchange"]), str(signal["routing_key"] or "")
    queue = _queue(signal["declare"] or (), exchange)
    kind = str(getattr(queue.exchange, "type", "")) if queue is not None else ""
    return Publication(
        broker,
        task,
        task_id=str(headers.get("id") or ""),
        correlation_id=str((signal["properties"] or {}).get("correlation_id") or ""),
        retries=int(headers.get("retries") or 0),
        eta=str(headers.get("eta") or ""),
        queue=str(queue.name) if queue is not None else destination(exchange, routing_key),
        exchange=exchange,
        exchange_type=kind,
        routing_key=routing_key,
        size=size,
    )


def chord_of(body: Any) -> str:
    """The id of the body of the chord whose header a message is; empty if it is none.

    Args:
        body: The message's, before it is serialized. Workers do not look into it, since that is the child's work.
    """
    # Protocol 2 has what belongs to the workflow behind the arguments, protocol 1 beside them.
    embedded = body[2] if isinstance(body, tuple | list) and len(body) == 3 else body  # noqa: PLR2004  # as told above
    chord = embedded.get("chord") if isinstance(embedded, Mapping) else None
    options = chord.get("options") if isinstance(chord, Mapping) else None
    return str(options.get("task_id") or "") if isinstance(options, Mapping) else ""


def _queue(declared: Any, exchange: str) -> Any:
    """The queue that is meant: Celery also declares the default one for a message that goes elsewhere."""
    for entity in declared:
        if isinstance(entity, Queue) and exchange in {"", _name(entity.exchange)}:
            return entity
    return None


def of_call(broker: Broker, task: str, options: Mapping[str, Any]) -> Publication:
    """A message that failed before its way was known.

    Args:
        broker: The broker.
        task: The task's name.
        options: The arguments of `send_task`.
    """
    queue = options.get("queue")
    return Publication(
        broker,
        task,
        task_id=str(options.get("task_id") or ""),
        retries=int(options.get("retries") or 0),
        queue=_name(queue),
    )


def destination(exchange: str, routing_key: str) -> str:
    """What a message goes to that names no queue: with the default exchange the routing key is the queue."""
    if exchange.startswith(_DELAYED):
        return _DELAY.sub("", routing_key, count=1)
    return ":".join(part for part in (exchange, routing_key) if part)


def body_size(body: Any, serializer: str) -> int:
    """Bytes of a message's body, which is serialized for it, before compression."""
    payload = dumps(body, serializer=serializer)[2]
    return len(payload.encode() if isinstance(payload, str) else payload)


def _name(entity: Any) -> str:
    """The name of a queue or exchange, which Celery takes as an object or as a text."""
    return str(getattr(entity, "name", entity) or "")
