"""Reads from Redis which messages are out: delivered, and not acknowledged.

Kombu keeps those of all queues in one hash.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from celery_otel_api.redis_bindings import Route

MOST = 10_000
"""Messages that are read to find out which queues they came from."""
MOST_BYTES = 16 * 1024 * 1024
"""Bytes of them."""
_STEP = 200
"""About how many are read at once: between two steps the server can serve others."""

_TOO_MANY = "{} messages of all queues together are not acknowledged, more than the {} that are read to tell whose."
_TOO_LARGE = "The messages that are not acknowledged have more than {} MiB, which is what is read to tell whose."
_FOREIGN = "In the hash {} are entries that are not kombu's."
_UNCERTAIN = "Some messages that are not acknowledged went to several queues: Redis does not say to which."


@dataclass(frozen=True, slots=True)
class Unacked:
    """Messages that are out, by queue.

    Attributes:
        counts: How many of each queue.
        uncertain: Queues of which this cannot be told.
        reason: Why nothing is known of any; empty if it is.
    """

    counts: Mapping[str, int]
    uncertain: frozenset[str] = frozenset()
    reason: str = ""

    def of(self, name: str, reasons: dict[str, str]) -> int | None:
        """How many of a queue; if that is not known, the reason is put to the others."""
        reason = self.reason or (_UNCERTAIN if name in self.uncertain else "")
        if reason:
            reasons["unacknowledged"] = reason
            return None
        return self.counts.get(name, 0)


def read_unacked(client: Any, key: str) -> tuple[dict[Route, int], str]:
    """How many messages are out by the exchange and routing key they came with, or why that is not known.

    Args:
        client: Of Redis.
        key: The hash.
    """
    number = client.hlen(key)
    if number > MOST:
        return {}, _TOO_MANY.format(number, MOST)
    routes: dict[Any, Route] = {}
    size, cursor = 0, 0
    while size <= MOST_BYTES:
        cursor, entries = client.hscan(key, cursor, count=_STEP)
        size += sum(map(len, entries.values()))
        # By tag: while the hash grows or shrinks an entry can come twice.
        try:
            routes.update((tag, route(entry)) for tag, entry in entries.items())
        except (ValueError, TypeError, RecursionError):
            return {}, _FOREIGN.format(key)
        if not cursor:
            return dict(Counter(routes.values())), ""
    return {}, _TOO_LARGE.format(MOST_BYTES // 1024 // 1024)


def route(entry: bytes | str) -> Route:
    """The exchange and routing key of an entry, which kombu writes behind the message.

    Raises:
        ValueError: It is not one of kombu's.
        TypeError: The same.
        RecursionError: The same.
    """
    _, exchange, key = json.loads(entry)
    return _name(exchange), _name(key)


def _name(value: Any) -> str:
    name = str(value or "")
    # Redis knows nothing by a name that UTF-8 cannot say.
    name.encode()
    return name
