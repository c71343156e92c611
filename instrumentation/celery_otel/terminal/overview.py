"""What is going on in a cluster, gathered once and shown as a page or as JSON."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from celery import Celery

from celery_otel.broker import QueueLength, connected, queue_lengths, queue_names
from celery_otel.inspection import STATES, HeldTask, Inspection, WorkerAnswer
from celery_otel.worker_answer import number_held, total

CONNECT_TIMEOUT = 5.0
"""Seconds for the connection to the broker."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Overview:
    """A cluster at one moment.

    Attributes:
        at: The Unix time when all of it was known.
        workers: Who answered, by name.
        queues: What waits in the queues, by name.
    """

    at: float
    workers: tuple[WorkerAnswer, ...]
    queues: tuple[QueueLength, ...]

    def tasks(self, state: str) -> list[HeldTask]:
        """The tasks in one state that the workers have told."""
        return [task for worker in self.workers for task in worker.tasks if task.state == state]

    @property
    def counts(self) -> Mapping[str, int | None]:
        """How many tasks are in each state, also where there are too many to be told; None if a worker did not say."""
        return {state: number_held(self.workers, [state]) for state in STATES}

    def running(self, task: HeldTask) -> float | None:
        """For how many seconds a task has been running; None if it has not begun."""
        return None if task.time_start is None else max(0.0, self._now(task) - task.time_start)

    def waiting(self, task: HeldTask) -> float | None:
        """For how many seconds a task still waits for its time; None if it waits for none."""
        return None if task.eta is None else max(0.0, task.eta - self._now(task))

    def _now(self, task: HeldTask) -> float:
        """The time of the worker's clock, which its times are of."""
        ahead = (worker.clock_difference for worker in self.workers if worker.name == task.worker)
        return self.at + (next(ahead, None) or 0.0)


def look(app: Celery, timeout: float) -> Overview:
    """Asks the workers and the broker.

    Args:
        app: The application.
        timeout: Seconds to wait for the next worker's answer.

    Raises:
        BrokerAwayError: The broker is away.
    """
    with connected(app, CONNECT_TIMEOUT) as connection:
        workers = Inspection(app).ask(connection, timeout=timeout, since=_NOTHING_ENDED)
        names = queue_names(app, (queue for worker in workers for queue in worker.queues))
        queues = queue_lengths(connection, names)
    return Overview(time.time(), tuple(workers), tuple(queues))


_NOTHING_ENDED: Mapping[str, float] = {}


def document(overview: Overview) -> Json:
    """The overview with the field names of the API's `workers/status`, `tasks/status` and `queues/status`."""
    counts = overview.counts
    return {
        "timestamp": timestamp(overview.at),
        "broker_connected": True,
        "summary": {**counts, "total_pending": total(counts.values())},
        "total_workers": len(overview.workers),
        "workers": [_worker(worker) for worker in overview.workers],
        **{f"{state}_tasks": [_task(overview, task) for task in overview.tasks(state)] for state in STATES},
        "queues": [_queue(overview, queue) for queue in overview.queues],
    }


def timestamp(at: float) -> str:
    """A Unix time by RFC 3339, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _worker(worker: WorkerAnswer) -> Json:
    return {
        "name": worker.name,
        "status": "online",
        "instrumented": worker.instrumented,
        "pool": {"kind": worker.pool or None, "max_concurrency": worker.max_concurrency, "busy_workers": worker.busy},
        "prefetch_count": worker.prefetch_count,
        "prefetch_limit": worker.prefetch_limit,
        "pid": worker.pid,
        "uptime": worker.uptime,
        "queues": list(worker.queues),
        "versions": dict(worker.versions),
        "remembers_revokes": worker.remembers_revokes,
        "clock_difference": worker.clock_difference,
    }


def _queue(overview: Overview, queue: QueueLength) -> Json:
    return {
        "name": queue.name,
        "length": queue.length,
        "consumers": queue.consumers,
        "workers": [worker.name for worker in overview.workers if queue.name in worker.queues],
        "reasons": {"length": queue.reason} if queue.reason else {},
    }


def _task(overview: Overview, task: HeldTask) -> Json:
    """A task without its arguments, which the API shows to some only."""
    return {
        "worker": task.worker,
        "task_id": task.task_id,
        "task_name": task.task_name,
        "time_start": task.time_start,
        "running_seconds": overview.running(task),
        "queue": task.queue or None,
        "eta": task.eta,
        "retries": task.retries,
        "pid": task.pid,
    }
