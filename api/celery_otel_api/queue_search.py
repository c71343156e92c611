"""Looks for a task among the messages that wait in Redis, without taking any: no other broker lets them be read."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from celery import Celery

from celery_otel.untrusted import count, text
from celery_otel_api.broker import broker_connection

MOST = 1_000
"""Messages that are looked at in each queue, the next to be delivered first."""
_CHUNK = 100
_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a search.

    Attributes:
        searched: Whether the messages could be looked at.
        queue: Where the task waits; None if it was not found.
        delivered: Whether a worker has its message, but has not confirmed it.
        task_name: The task's name.
        retries: How many attempts came before.
        whole: Whether every message was looked at.
    """

    searched: bool
    queue: str | None = None
    delivered: bool = False
    task_name: str = ""
    retries: int = 0
    whole: bool = True


def search(app: Celery, queues: Iterable[str], task_id: str, timeout: float) -> Found:
    """Looks for a task. It blocks.

    Args:
        app: The application.
        queues: Where to look.
        task_id: The task.
        timeout: Seconds, for the connection.

    Raises:
        BrokerUnreachableError: The broker does not answer, or the connection broke.
    """
    with broker_connection(app, timeout) as connection:
        if connection.transport.driver_type != "redis":
            return Found(searched=False)
        channel: Any = connection.default_channel
        with channel.conn_or_acquire() as client:
            return _Search(channel, client, task_id).found(queues)


class _Search:
    def __init__(self, channel: Any, client: Any, task_id: str) -> None:
        self._channel = channel
        self._client = client
        self._task_id = task_id
        # As a message's headers have it, whatever characters it has.
        self._needle = json.dumps(task_id).encode()
        self._bytes_left = _MOST_BYTES
        self._whole = True

    def found(self, queues: Iterable[str]) -> Found:
        waiting = ((queue, payload, False) for queue in queues for payload in self._waiting(queue))
        for queue, payload, delivered in chain(waiting, self._delivered()):
            headers = self._headers(payload, delivered=delivered)
            if headers is not None:
                name, retries = text(headers.get("task", "")), count(headers.get("retries")) or 0
                return Found(
                    searched=True,
                    queue=queue,
                    delivered=delivered,
                    task_name=name,
                    retries=retries,
                    whole=self._whole,
                )
        return Found(searched=True, whole=self._whole)

    def _waiting(self, queue: str) -> Iterator[bytes]:
        left = MOST
        for step in self._channel.priority_steps:
            name = self._channel._q_for_pri(queue, step)  # noqa: SLF001  # kombu has no other word for it
            # kombu's client adds its prefix to the commands that kombu itself uses, and LRANGE is none of them.
            key = f"{self._channel.global_keyprefix}{name}"
            for payload in self._from(key, left):
                left -= 1
                yield payload

    def _from(self, key: str, most: int) -> Iterator[bytes]:
        """The messages of one list, from the end where they are taken."""
        for begin in range(0, most, _CHUNK):
            end = min(begin + _CHUNK, most)
            chunk = self._client.lrange(key, -end, -begin - 1)
            yield from reversed(chunk)
            self._bytes_left -= sum(map(len, chunk))
            if len(chunk) < end - begin:
                return
            if self._bytes_left <= 0:
                break
        self._whole = False

    def _delivered(self) -> Iterator[tuple[str, bytes, bool]]:
        """The messages that workers have and have not confirmed, which Redis keeps in a hash."""
        key = f"{self._channel.global_keyprefix}{self._channel.unacked_key}"
        for number, (_, payload) in enumerate(self._client.hscan_iter(key, count=_CHUNK)):
            if number >= MOST:
                self._whole = False
                return
            yield "", payload, True

    def _headers(self, payload: bytes, *, delivered: bool) -> dict[str, Any] | None:
        """The headers of the task's message; None for any other message."""
        if self._needle not in payload:
            return None
        try:
            message = json.loads(payload)
            headers = (message[0] if delivered else message)["headers"]
        except (ValueError, KeyError, IndexError, TypeError, RecursionError):
            return None
        return headers if isinstance(headers, dict) and headers.get("id") == self._task_id else None
