"""Workers, tasks and readings, made by hand."""

from collections import Counter
from collections.abc import Iterable

from celery_otel.inspection import STATES, HeldTask, WorkerAnswer
from celery_otel_api.fleet import Member, Presence
from celery_otel_api.queue_reader import QueueReading
from celery_otel_api.queue_survey import QueueSurvey
from celery_otel_api.snapshot import Snapshot


def answer(
    name: str,
    held: Iterable[tuple[str, str]] = (),
    queues: tuple[str, ...] = ("celery",),
    counts: dict[str, int] | None = None,
) -> WorkerAnswer:
    """The answer of a worker that holds tasks, each of a queue in a state."""
    tasks = tuple(HeldTask(name, str(n), "task", state, queue) for n, (queue, state) in enumerate(held))
    told = dict.fromkeys(STATES, 0) | (counts if counts is not None else Counter(task.state for task in tasks))
    return WorkerAnswer(name, instrumented=True, queues=queues, tasks=tasks, counts=told)


def snapshot(*answers: WorkerAnswer, silent: Iterable[WorkerAnswer] = (), offline: Iterable[str] = ()) -> Snapshot:
    """A snapshot of workers."""
    members = (
        *(Member(one.name, Presence.ONLINE, 0.0, one) for one in answers),
        *(Member(one.name, Presence.SILENT, 9.0, one) for one in silent),
        *(Member(name, Presence.OFFLINE) for name in offline),
    )
    return Snapshot(1.0, broker_connected=True, members=members)


AWAY = Snapshot(1.0, broker_connected=False, reason="The broker is away.")
"""Nobody could be asked."""


def survey(*readings: QueueReading, keys: dict[str, str] | None = None) -> QueueSurvey:
    """A survey of queues."""
    queues = {reading.name: reading for reading in readings}
    return QueueSurvey(1.0, broker_connected=True, broker="redis", queues=queues, by_routing_key=keys or {})
