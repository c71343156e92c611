"""What a task writes into the way to its worker's MAIN process that no instrumented task would, by a seed."""

import json
import os
import random
from typing import Any

from celery_otel.relay_sender import Sender
from celery_otel.workplace import workplace

WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    float("nan"),
    float("inf"),
    "",
    "x" * 50_000,
    "\x00\x1b[31m",
    [],
    [[]],
    {},
    {"a": [None]},
    "5" * 16,
)
KEYS = ("span", "attributes", "events", "links", "dropped", "cut", "name", "status", "run", "backend", "aside", "other")
NOTES = ("dropped", "cut", "garbage", "task_prerun", "result_backend", "unheard of")
DEEP = 20_000


def write_garbage(seed: int, number: int) -> int:
    """Writes so many datagrams; gives how many the kernel took."""
    place = workplace()
    outlet = None if place is None else place._outlet  # noqa: SLF001  # an attacker knows no privacy
    if not isinstance(outlet, Sender):
        return 0
    chance = random.Random(seed)
    writer = outlet._writer  # noqa: SLF001  # as above
    writer.settimeout(5)
    try:
        return sum(writer.send(_datagram(chance)) >= 0 for _ in range(number))
    finally:
        writer.settimeout(0)


def _datagram(chance: random.Random) -> bytes:
    kind = chance.randrange(4)
    if kind == 0:
        return os.urandom(chance.randrange(1, 2_000))
    if kind == 1:
        return b"[" * DEEP
    notes = {chance.choice(NOTES): chance.choice(WRONG) for _ in range(chance.randrange(3))}
    record = {key: chance.choice(WRONG) for key in chance.sample(KEYS, chance.randrange(1, 5))}
    content = json.dumps([record, notes] if kind == 2 else [chance.choice(WRONG)])  # one kind of four
    return content.encode("utf-8", "replace")
