"""Reads the worker's pool and heart at the moment of an export: never counted up and down, so nothing can leak."""

from typing import Any

from celery_otel import names
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.metric import Labels, Metric, Value


class WorkerGauges:
    """The gauges of one worker.

    Args:
        worker: Celery's worker, whose pool is read.
        name: The worker's name on the series.
        clock: Where the time comes from.
    """

    def __init__(self, worker: Any, name: str, clock: Clock = SYSTEM_CLOCK) -> None:
        self._worker = worker
        self._name = name
        self._clock = clock
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
            readings[names.WORKER_HEARTBEAT_TIMESTAMP] = {labels: self._heartbeat}
        return readings

    def _size(self) -> int:
        if self.stopped:
            return 0
        try:
            return int(self._worker.pool.num_processes)
        except AttributeError:
            # Before it starts and after it has stopped, a pool has no processes to number.
            return 0
