"""Judges the broker, the result backend and the queues."""

from collections.abc import Iterator

from celery_otel.broker import QueueLength
from celery_otel.doctor.facts import Facts
from celery_otel.doctor.finding import Finding, listed, number_of, ok, problem, warning

SLOW = 1.0
"""Seconds to connect from which it is said to be slow."""


def broker(facts: Facts) -> Iterator[Finding]:
    """Whether the broker is there."""
    found = facts.broker
    if found.error:
        yield problem("broker", found.error, "Start it, or correct broker_url; without it nothing is known of workers.")
    elif found.seconds > SLOW:
        yield warning(
            "broker", f"{found.where} took {found.seconds:.1f} s to connect", "Look at its load and at the network."
        )
    else:
        yield ok("broker", f"{found.where} connected in {found.seconds * 1000:.0f} ms")


def backend(facts: Facts) -> Iterator[Finding]:
    """Whether the result backend is there."""
    found = facts.backend
    if not facts.conf.has_backend:
        yield ok("result backend", "none: results and states of ended tasks cannot be asked for")
    elif found is None:
        yield ok("result backend", "rpc: results are messages of the broker, only their publisher can read them")
    elif found.error:
        yield problem(
            "result backend",
            f"{found.where} does not answer: {found.error}",
            "Start it, or correct result_backend: every task that ends waits for it, and states are not known.",
        )
    else:
        yield ok("result backend", f"{found.where} answered in {found.seconds * 1000:.0f} ms")


def queues(facts: Facts) -> Iterator[Finding]:
    """Whether somebody consumes every queue in which something waits."""
    if facts.broker.error:
        return
    consumed = {name for worker in facts.workers for name in worker.queues}
    orphans = [queue for queue in facts.queues if _orphan(queue, consumed)]
    for queue in orphans:
        yield problem(
            f"queue {queue.name}",
            f"{number_of(queue.length, 'message')} and no worker that answered consumes it",
            f"Start a worker with -Q {queue.name}, or route its tasks elsewhere (task_routes).",
        )
    unknown = [queue for queue in facts.queues if queue.length is None and queue.name in consumed]
    for queue in unknown:
        yield warning(f"queue {queue.name}", f"its length is not known: {queue.reason}", "Look at the broker.")
    if facts.queues and not orphans and not unknown:
        yield ok("queues", f"{listed([queue.name for queue in facts.queues])}: nothing waits without a worker")


def _orphan(queue: QueueLength, consumed: set[str]) -> bool:
    return bool(queue.length) and not queue.consumers and queue.name not in consumed
