"""What an instrumented worker tells of itself when it is asked: `hooks.control` answers with it.

Plain JSON. Texts that come from tasks are Celery's own representations of their arguments, cut; values never travel.
"""

import os
import platform
from collections.abc import Iterable, Mapping
from typing import Any

import celery
from celery.worker import state as celery_state
from celery.worker.request import Request

from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.core.ledger import Ledger
from celery_otel.version import VERSION

LONGEST = 256
"""Characters of a task's arguments that are told."""
MOST = 1_000
"""Tasks of each state that are told; the numbers are right all the same."""


class WorkerReport:
    """The report of one worker.

    Args:
        worker: Celery's worker.
        ledger: What it holds and what has ended.
        clock: Where the time comes from.
    """

    def __init__(self, worker: Any, ledger: Ledger, clock: Clock = SYSTEM_CLOCK) -> None:
        self._worker = worker
        self._ledger = ledger
        self._clock = clock
        self._born = clock.monotonic()
        self._kind = str(worker.pool_cls.__module__).rpartition(".")[2]

    def __call__(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The report.

        Args:
            asked: `since`: for this worker's node name, a Unix time of its clock; attempts that ended until then are
                known already.
        """
        return {
            **self._about(),
            "pool": self._pool(),
            "queues": self._queues(),
            **self._numbers(),
            **self._tasks(),
            "ended": self._ledger.recent(self._since(asked)),
        }

    def _since(self, asked: Mapping[str, Any]) -> float:
        since = float((asked.get("since") or {}).get(self._worker.hostname) or 0.0)
        # This clock has been set back: what it says now would be told to nobody.
        return 0.0 if since > self._clock.wall() else since

    def _about(self) -> dict[str, Any]:
        conf = self._worker.app.conf
        return {
            "version": VERSION,
            "celery": celery.__version__,
            "python": platform.python_version(),
            "worker_name": self._ledger.worker,
            "now": self._clock.wall(),
            "pid": os.getpid(),
            "uptime": self._clock.monotonic() - self._born,
            "remembers_revokes": bool(getattr(self._worker, "statedb", None) or conf.worker_state_db),
            "settings": {
                "task_acks_late": bool(conf.task_acks_late),
                "task_track_started": bool(conf.task_track_started),
                "worker_prefetch_multiplier": int(conf.worker_prefetch_multiplier),
            },
        }

    def _pool(self) -> dict[str, Any]:
        pool = self._worker.pool
        return {
            "kind": self._kind,
            "max_concurrency": int(getattr(pool, "num_processes", 0) or 0),
        }

    def _numbers(self) -> dict[str, Any]:
        running, waiting = self._ledger.held()
        qos = getattr(self._worker.consumer, "qos", None)
        return {"busy": running, "prefetch_count": waiting, "prefetch_limit": getattr(qos, "value", None)}

    def _queues(self) -> list[str]:
        consumer = getattr(self._worker.consumer, "task_consumer", None)
        return [str(queue.name) for queue in getattr(consumer, "queues", ())]

    def _tasks(self) -> dict[str, Any]:
        active = list(celery_state.active_requests)
        scheduled = _scheduled(getattr(self._worker, "consumer", None))
        elsewhere = {id(request) for request in (*active, *scheduled)}
        reserved = [request for request in list(celery_state.reserved_requests) if id(request) not in elsewhere]
        told = {"active": active, "reserved": reserved, "scheduled": scheduled}
        return {
            **{state: [self._task(request) for request in requests[:MOST]] for state, requests in told.items()},
            "counts": {state: len(requests) for state, requests in told.items()},
        }

    def _task(self, request: Any) -> dict[str, Any]:
        return {
            "id": str(request.id),
            "name": str(request.name),
            "args": str(request.argsrepr)[:LONGEST],
            "kwargs": str(request.kwargsrepr)[:LONGEST],
            "retries": request.request_dict.get("retries") or 0,
            "queue": str((request.delivery_info or {}).get("routing_key") or ""),
            "time_start": request.time_start,
            "eta": request.eta.timestamp() if request.eta is not None else None,
            # The pools without children have other things in that place.
            "pid": request.worker_pid if self._kind == "prefork" else None,
        }


def _scheduled(consumer: Any) -> list[Any]:
    """The requests that wait in the timer: for their ETA, or because of a rate limit."""
    schedule = getattr(getattr(consumer, "timer", None), "schedule", None)
    waiting: Iterable[Any] = list(getattr(schedule, "queue", ()))
    found = (entry.entry.args[0] for entry in waiting if entry.entry.args)
    return [request for request in found if isinstance(request, Request)]
