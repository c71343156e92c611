"""Reads queues from Redis, in kombu's own way of keeping them: a list for each priority, one hash for what is out.

No key is changed. Keys that are missing are empty; a server that does not answer is an error.
"""

import time
from collections.abc import Callable, Collection
from functools import cache, partial
from typing import Any

from kombu.connection import Connection

from celery_otel.broker import said
from celery_otel_api.published_at import published_at
from celery_otel_api.queue_reader import EMPTY, QueueReading
from celery_otel_api.redis_bindings import attributed
from celery_otel_api.redis_unacked import Unacked, read_unacked

Lists = dict[int, tuple[Any, Any]]
"""Of each priority, the length of its list, or the error that it gave, and the message that is taken next."""

_RATES = "Redis counts no messages per second: see the rates of celery_task_received_total."
_UNSTAMPED = "The next message of priority {} does not say when it was published: its publisher has no celery-otel."
_TAKEN = "Its messages were taken while it was read."


class RedisQueues:
    """Reads queues from Redis.

    Args:
        wall: Gives the Unix time.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall

    def __call__(self, connection: Connection, names: Collection[str]) -> dict[str, QueueReading]:
        """Reads them: see `queue_reader.Reader`."""
        channel = connection.default_channel
        client = plain_client(channel)
        lists = _lists(channel, client, names)
        unacked = _unacked(channel, client)
        return {name: self._reading(name, lists[name], unacked) for name in names}

    def _reading(self, name: str, lists: Lists, unacked: Unacked) -> QueueReading:
        reasons = {"rates": _RATES}
        broken = next((length for length, _ in lists.values() if isinstance(length, Exception)), None)
        if broken is not None:
            refused = f"Redis refused to tell it: {said(broken)}."
            reasons |= dict.fromkeys(("length", "length_by_priority", "oldest_message_age_seconds"), refused)
            return QueueReading(name, unacknowledged=unacked.of(name, reasons), reasons=reasons)
        lengths = {priority: int(length) for priority, (length, _) in lists.items()}
        return QueueReading(
            name,
            length=sum(lengths.values()),
            unacknowledged=unacked.of(name, reasons),
            oldest_message_age_seconds=self._age(lists, reasons),
            length_by_priority=lengths,
            reasons=reasons,
        )

    def _age(self, lists: Lists, reasons: dict[str, str]) -> float | None:
        nexts = {priority: message for priority, (length, message) in lists.items() if length}
        times = {priority: published_at(message) for priority, message in nexts.items()}
        unknown = next((priority for priority, at in times.items() if at is None), None)
        if not nexts:
            reasons["oldest_message_age_seconds"] = EMPTY
            return None
        if unknown is not None:
            reasons["oldest_message_age_seconds"] = _TAKEN if nexts[unknown] is None else _UNSTAMPED.format(unknown)
            return None
        # The clock of a publisher may be ahead of ours.
        return max(0.0, self._wall() - min(at for at in times.values() if at is not None))


def plain_client(channel: Any) -> Any:
    """A client for the server that kombu uses, its master where sentinels say which that is.

    Kombu's own one puts the prefix of keys before some commands' keys and not before others': this one before none.
    """
    from redis import Redis  # noqa: PLC0415  # there for certain only where kombu speaks to Redis

    return Redis(connection_pool=channel.pool)


def _lists(channel: Any, client: Any, names: Collection[str]) -> dict[str, Lists]:
    """Of each queue and priority, the length of the list and the message that is taken next."""
    keys = [(name, priority, _key(channel, name, priority)) for name in names for priority in channel.priority_steps]
    pipe = client.pipeline(transaction=False)
    for _, _, key in keys:
        pipe.llen(key)
        pipe.lindex(key, -1)
    answers = iter(pipe.execute(raise_on_error=False))
    found: dict[str, Lists] = {name: {} for name in names}
    for name, priority, _ in keys:
        found[name][priority] = (next(answers), next(answers))
    return found


def _key(channel: Any, name: str, priority: int) -> str:
    key = channel._q_for_pri(name, priority)  # noqa: SLF001  # the only place where kombu says how a list is called
    return f"{channel.global_keyprefix}{key}"


def _unacked(channel: Any, client: Any) -> Unacked:
    if not channel.ack_emulation:
        return Unacked({}, reason="The transport option ack_emulation is off: nobody knows what was delivered.")
    try:
        routes, reason = read_unacked(client, f"{channel.global_keyprefix}{channel.unacked_key}")
    except channel.ResponseError as error:
        return Unacked({}, reason=f"Redis refused to tell it: {said(error)}.")
    if reason:
        return Unacked({}, reason=reason)
    found = attributed(routes, cache(partial(_bindings, channel)))
    return Unacked(found.counts, uncertain=found.uncertain)


def _bindings(channel: Any, exchange: str) -> list[tuple[str, str, str]]:
    return [(key, pattern, queue) for key, pattern, queue, *_ in channel.get_table(exchange)]
