"""Which queue a message of a Redis broker came from, by the exchange and routing key that kombu keeps with it."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

Binding = tuple[str, str, str]
"""Routing key, pattern of a topic exchange or nothing, and queue: as kombu keeps them."""
Table = Callable[[str], Iterable[Binding]]
"""Gives the bindings of an exchange."""
Route = tuple[str, str]
"""Exchange and routing key."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Messages by the queue they came from.

    Attributes:
        counts: How many for certain.
        uncertain: Queues that some may have come from, or from another.
    """

    counts: Mapping[str, int]
    uncertain: frozenset[str]


def attributed(routes: Mapping[Route, int], table: Table) -> Attribution:
    """Says of messages which queue they came from.

    Args:
        routes: How many messages have gone each way.
        table: The bindings.
    """
    counts: Counter[str] = Counter()
    uncertain: set[str] = set()
    for (exchange, key), number in routes.items():
        queues = queues_of(exchange, key, table)
        if len(queues) == 1:
            counts[queues.pop()] += number
        else:
            uncertain |= queues
    return Attribution(counts, frozenset(uncertain))


def queues_of(exchange: str, key: str, table: Table) -> set[str]:
    """The queues that a message goes to."""
    if not exchange:
        return {key}
    bound = {queue for routing_key, pattern, queue in table(exchange) if _matches(routing_key, pattern, key)}
    return bound or {key}


def _matches(routing_key: str, pattern: str, key: str) -> bool:
    return routing_key == key or bool(pattern and re.match(pattern, key))
