"""A real prefork worker whose queue is filled while it sleeps, with as many children and tasks as one likes."""

import os
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import ProcessDiedError
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.worker import CeleryWorker
from tests.benchmarks.growth.messages import QUEUE, fill
from tests.benchmarks.quiet import Quiet
from tests.benchmarks.resources import Cpu, Memory
from tests.benchmarks.variants import SPANS_LEAVE

_DEADLINE = 300.0


class GrowingWorker:
    """A worker with a broker of its own.

    Args:
        directory: For data and logs.
        endpoint: A collector's OTLP/HTTP endpoint.
        children: How many its pool has.
        tasks: How many tasks it knows.
        bare: Whether it runs without celery-otel.
        interval: Milliseconds between two exports.
    """

    def __init__(
        self,
        directory: Path,
        endpoint: str,
        *,
        children: int = 2,
        tasks: int = 1,
        bare: bool = False,
        interval: int,
    ) -> None:
        self._broker = RedisServer(directory)
        self._tasks = tasks
        self.bare = bare
        env = {
            "GROWTH_BROKER": self._broker.url,
            "GROWTH_TASKS": str(tasks),
            "GROWTH_BARE": "1" if bare else "",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_METRIC_EXPORT_INTERVAL": str(interval),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "instrumentation")]),
        }
        self._worker = CeleryWorker(
            f"growth-{directory.name}",
            app="tests.benchmarks.growth.application:app",
            broker_url=self._broker.url,
            directory=directory,
            concurrency=children,
            env=env,
            cwd=ROOT,
        )

    @property
    def name(self) -> str:
        """The worker's name on its series."""
        return self._worker.node_name

    def run(self, number: int) -> Cpu:
        """CPU seconds per task, of so many that take turns: until the worker has nothing more to do for them."""
        self._worker.signal(signal.SIGSTOP)
        fill(self._broker.url, "growth.task", number, self._tasks)
        before = Cpu.of(self._worker.pid)
        self._worker.signal(signal.SIGCONT)
        self._wait_until_done()
        return (Cpu.of(self._worker.pid) - before) / number

    def memory(self) -> Memory:
        """What it holds now."""
        return Memory.of(self._worker.pid)

    def _wait_until_done(self) -> None:
        wait_until(self._is_empty, deadline=_DEADLINE, interval=0.05, message=self._too_slow)
        quiet = Quiet(SPANS_LEAVE)
        wait_until(lambda: quiet.since(Cpu.of(self._worker.pid).total), deadline=_DEADLINE, message=self._too_slow)

    def _too_slow(self) -> str:
        return f"the worker does not finish its tasks\n{self._worker.process.log_tail}"

    def _is_empty(self) -> bool:
        if not self._worker.alive:
            raise ProcessDiedError(f"the worker ended\n{self._worker.process.log_tail}")
        return not self._redis.llen(QUEUE) and not self._redis.hlen("unacked")

    def __enter__(self) -> Self:
        self._broker.start()
        self._redis = Redis.from_url(self._broker.url)
        try:
            self._worker.start()
        except BaseException:
            self._broker.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.stop()
        self._redis.close()
        self._broker.stop()
