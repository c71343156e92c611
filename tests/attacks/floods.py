"""Very many different names, and very large ones: the number of series and the memory of MAIN stay bounded."""

import uuid
from collections.abc import Callable, Iterator

from tests.attacks.target import Envelope, Target
from tests.attacks.verdict import Verdict

#: Messages that are in the queue at a time.
AT_ONCE = 1000
#: What a worker may keep of all that, in megabytes, and how many series its limits leave room for.
MEMORY, SERIES = 24.0, 6000
#: Messages whose headers are large, and how large each header is.
LARGE, SIZE = 300, 250_000
#: Messages before the first look: Celery itself grows with the first large ones, and then no more.
WARMING = 40

Messages = Callable[[Target, int], Iterator[Envelope]]


def tasks(target: Target, number: int) -> Iterator[Envelope]:
    """Messages for tasks that are not registered."""
    for message in target.copies(target.message(), number):
        message["headers"]["task"] = f"made.up.{uuid.uuid4()}"
        yield message


def queues(target: Target, number: int) -> Iterator[Envelope]:
    """Messages that say they come from queues that do not exist."""
    for message in target.copies(target.message("attack.echo", 1), number):
        message["properties"]["delivery_info"]["routing_key"] = f"made-up-{uuid.uuid4()}"
        yield message


def errors(target: Target, number: int) -> Iterator[Envelope]:
    """Messages of tasks that fail with an exception of a new class each."""
    for _ in range(number):
        yield from target.copies(target.message("attack.fail_as", f"E{uuid.uuid4().hex}"), 1)


def large(target: Target, number: int) -> Iterator[Envelope]:
    """Messages with a large text in every place that we keep something of."""
    for count, message in enumerate(target.copies(target.message("attack.echo", 1), number)):
        long = f"{count}" + "x" * SIZE
        message["headers"].update(id=long, root_id=long, group=long, celery_otel_published_at=long, baggage=long)
        message["properties"]["delivery_info"]["routing_key"] = long
        yield message


def attack(target: Target, name: str, messages: Messages, number: int) -> Verdict:
    """Sends so many messages, and looks what is left of them.

    Args:
        target: The worker.
        name: What the table calls it.
        messages: Makes them.
        number: How many, behind the first few.
    """
    verdict = Verdict(name, number)
    _send(target, messages, max(WARMING, number // 100), verdict)
    before = target.memory
    _send(target, messages, number, verdict)
    grown, series = target.memory - before, target.series()
    verdict.hold(not target.imbalance(), target.imbalance())
    verdict.hold(grown < MEMORY, f"MAIN has grown by {grown:.0f} MB")
    verdict.hold(series < SERIES, f"{series} series")
    verdict.remarks.append(f"{series} series, MAIN {grown:+.1f} MB")
    return verdict


def _send(target: Target, messages: Messages, number: int, verdict: Verdict) -> None:
    # Large ones a few at a time: what is attacked is the worker, not its broker.
    step = 20 if messages is large else AT_ONCE
    for start in range(0, number, step):
        target.push(*messages(target, min(step, number - start)))
        if not target.works():
            verdict.wrong.append("the worker ends")
            target.restart()
            return
