"""Tells which queue a message came from: brokers name the exchange and routing key, not always the queue."""

from collections.abc import Mapping
from typing import Any

from celery_otel.core.labels import MAX_LENGTH, BoundedLabel

UNKNOWN = "unknown"
"""Stands for a message that does not say where it came from."""
MOST = 1000
"""How many ways to a queue are remembered."""


class Queues:
    """The queues of one worker.

    Args:
        app: The Celery application, which knows its queues.
        label: Bounds the names, since a routing key comes from the network.
    """

    def __init__(self, app: Any, label: BoundedLabel) -> None:
        self._app = app
        self._label = label
        self._found: dict[tuple[str, str], str] = {}

    def of_delivery(self, delivery: Mapping[str, Any]) -> str:
        """The name of the queue that a message came from, as a label, by its exchange and routing key."""
        key = (str(delivery.get("exchange") or ""), str(delivery.get("routing_key") or ""))
        found = self._found.get(key)
        if found is None:
            found = self._label(self._search(*key))
            # Bounds for routing keys that are made up: by number, which is enough for any topology, and by size.
            if len(self._found) < MOST and sum(map(len, key)) <= MAX_LENGTH:
                self._found[key] = found
        return found

    def _search(self, exchange: str, routing_key: str) -> str:
        consumed = self._app.amqp.queues.consume_from
        if not exchange and routing_key in consumed:
            return routing_key
        bound = [queue for queue in consumed.values() if queue.exchange is not None and queue.exchange.name == exchange]
        for queue in bound:
            if queue.routing_key == routing_key:
                return str(queue.name)
        # A topic's key matches by pattern and a fanout's not at all: with one queue on the exchange there is no doubt.
        if len(bound) == 1:
            return str(bound[0].name)
        return routing_key or UNKNOWN
