"""Fills a queue with real messages faster than Celery publishes: one is published, and copied with ids of its own."""

import json
import time
import uuid
from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

from celery import Celery
from redis import Redis

from celery_otel.stamps import PUBLISHED_AT

QUEUE = "celery"
_AT_ONCE = 5000
_PATTERN = "growth.pattern"


def fill(url: str, task: str, number: int, tasks: int = 1) -> None:
    """Put so many messages into the queue `celery`.

    Args:
        url: The Redis server.
        task: What the tasks are called, without their number.
        number: How many messages.
        tasks: How many tasks take turns.
    """
    with Redis.from_url(url) as redis:
        copies = _copies(_published(url, redis), task, number, tasks)
        while chunk := list(islice(copies, _AT_ONCE)):
            redis.lpush(QUEUE, *chunk)


def _published(url: str, redis: Redis) -> dict[str, Any]:
    """A message as Celery writes it, with the header of a publisher that has celery-otel."""
    app = Celery("growth-publisher", broker=url, set_as_current=False)
    app.send_task(_PATTERN, queue=_PATTERN, headers={PUBLISHED_AT: repr(time.time())})
    app.close()
    message: dict[str, Any] = json.loads(cast("bytes", redis.lpop(_PATTERN)))
    message["properties"]["delivery_info"]["routing_key"] = QUEUE
    return message


def _copies(pattern: dict[str, Any], task: str, number: int, tasks: int) -> Iterator[str]:
    """Copies of a message as text: parsing and writing it a million times would take minutes."""
    text = json.dumps(pattern)
    task_id, tag, name = pattern["headers"]["id"], pattern["properties"]["delivery_tag"], pattern["headers"]["task"]
    for index in range(number):
        copy = text.replace(task_id, str(uuid.uuid4())).replace(tag, str(uuid.uuid4()))
        yield copy.replace(name, f"{task}{index % tasks:04}")
