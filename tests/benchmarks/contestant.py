"""One worker under measurement, with a queue of its own that is filled while it sleeps."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis

from celery_otel_pipeline.environment import child_environment
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import Process, ProcessDiedError
from tests.benchmarks.resources import Cpu, Memory, Spent
from tests.benchmarks.variants import Variant

ROOT = Path(__file__).parents[2]
CONCURRENCY = 2
_DEADLINE = 300.0
#: Seconds between two looks at the queue: the error of a duration, of which a turn of 2000 tasks has about three.
_LOOK = 0.01


class Contestant:
    """A prefork worker of one variant.

    Args:
        variant: How it runs.
        broker_url: A database of Redis that nobody else uses.
        otlp_endpoint: Where telemetry is sent.
        directory: Where the log goes.
    """

    def __init__(self, variant: Variant, *, broker_url: str, otlp_endpoint: str, directory: Path) -> None:
        self.variant = variant
        self.published: list[float] = []
        self._broker_url = broker_url
        self._env = {
            "BENCH_VARIANT": variant.instrumentation,
            "BENCH_BROKER": broker_url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_endpoint,
            "OTEL_SERVICE_NAME": f"bench-{variant.key}",
            **variant.env,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "instrumentation")]),
        }
        argv = [sys.executable, "-m", "celery", "-A", "tests.benchmarks.application", "worker"]
        argv += ["-n", f"{variant.key}@%h", "-P", "prefork", "-c", str(CONCURRENCY), *variant.arguments]
        self._process = Process(variant.key, argv, directory=directory, env=self._env, cwd=ROOT)

    def run(self, tasks: int) -> Spent:
        """Return the time that the worker takes for so many tasks, from the first to the last.

        The queue is filled while MAIN is stopped, so that it works at its full speed and alone.
        """
        self._fill(tasks)
        before, start = Cpu.of(self._process.pid), time.monotonic()
        self._process.signal(signal.SIGCONT)
        self._wait_until(self._is_empty, interval=_LOOK)
        seconds = time.monotonic() - start
        quiet = Quiet(self.variant.quiet)
        self._wait_until(lambda: quiet.since(Cpu.of(self._process.pid).total), interval=_LOOK * 10)
        return Spent(Cpu.of(self._process.pid) - before, seconds)

    def memory(self) -> Memory:
        """What the worker holds now."""
        return Memory.of(self._process.pid)

    def _fill(self, tasks: int) -> None:
        self._process.signal(signal.SIGSTOP)
        self.published.append(_publish(tasks, self._env))

    def _wait_until(self, condition: Callable[[], bool], *, interval: float) -> None:
        wait_until(
            condition,
            deadline=_DEADLINE,
            interval=interval,
            message=lambda: f"{self.variant.key} does not finish its tasks\n{self._process.log_tail}",
        )

    def _is_empty(self) -> bool:
        if not self._process.alive:
            raise ProcessDiedError(f"{self.variant.key} ended\n{self._process.log_tail}")
        return self._redis.llen("celery") == 0 and self._redis.hlen("unacked") == 0

    def __enter__(self) -> Self:
        self._redis = Redis.from_url(self._broker_url)
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stop()
        self._redis.close()


class Quiet:
    """Tells when a number has stayed the same for some time.

    Args:
        seconds: How long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._value = -1.0
        self._changed = 0.0

    def since(self, value: float) -> bool:
        """Whether the number, which is `value` now, has not changed for that long."""
        now = time.monotonic()
        if value != self._value:
            self._value, self._changed = value, now
        return now - self._changed >= self._seconds


def _publish(tasks: int, env: Mapping[str, str]) -> float:
    """Publish from a process of its own, instrumented as the worker is; return CPU seconds per message."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.publisher", str(tasks)],
        env=child_environment({**env, "BENCH_ROLE": "publisher"}),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return float(done.stdout)
