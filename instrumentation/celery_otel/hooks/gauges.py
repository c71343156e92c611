"""Reads the worker's pool and heart at the moment of an export: never counted up and down, so nothing can leak."""

from collections.abc import Callable
from typing import Any

from celery_otel import names
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.metric import Labels, Metric, Value

SOLO = "celery.concurrency.solo"
"""The module of the pool whose tasks run in MAIN."""


class WorkerGauges:
    """The gauges of one worker.

    Args:
        worker: Celery's worker, whose pool is read.
        name: The worker's name on the series.
        clock: Where the time comes from.
        running: Tells how many attempts run now.
    """

    def __init__(
        self, worker: Any, name: str, clock: Clock = SYSTEM_CLOCK, running: Callable[[], int] = lambda: 0
    ) -> None:
        self._worker = worker
        self._name = name
        self._clock = clock
        self._running = running
        self._heartbeat = 0.0
        self.stopped = False
        """Set when the worker has stopped cleanly: what it had is 0 from then on."""

    def beat(self) -> None:
        """The worker's timer ran: MAIN is alive."""
        self._heartbeat = self._clock.wall()

    def read(self) -> dict[Metric, dict[Labels, Value]]:
        """The series of this moment."""
        labels = (self._name,)
        readings: dict[Metric, dict[Labels, Value]] = {
            names.WORKER_POOL_SIZE: {labels: self._size()},
        }
        if self._heartbeat:
            readings[names.WORKER_HEARTBEAT_TIMESTAMP] = {labels: self._alive_at()}
        return readings

    def _alive_at(self) -> float:
        """When MAIN was last known to be alive: now, if it runs a task itself, since its timer then cannot run."""
        if self._is_solo() and self._running():
            return self._clock.wall()
        return self._heartbeat

    def _is_solo(self) -> bool:
        return getattr(getattr(self._worker, "pool_cls", None), "__module__", "") == SOLO

    def _size(self) -> int:
        if self.stopped:
            return 0
        try:
            return int(self._worker.pool.num_processes)
        except AttributeError:
            # Before it starts and after it has stopped, a pool has no processes to number.
            return 0
