"""One worker under measurement, with a broker of its own, whose queue is filled while the worker sleeps."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis

from celery_otel_pipeline.environment import child_environment
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import Process, ProcessDiedError
from celery_otel_pipeline.redis import RedisServer
from tests.benchmarks.latency import Latency
from tests.benchmarks.monitors import MONITORS, Monitor
from tests.benchmarks.quiet import Quiet
from tests.benchmarks.resources import Cpu, Memory, Spent, used
from tests.benchmarks.traffic import Traffic
from tests.benchmarks.variants import Variant

ROOT = Path(__file__).parents[2]
CONCURRENCY = 2
_DEADLINE = 300.0
#: Seconds between two looks at the queue: the error of a duration, of which a turn of 2000 tasks has about three.
_LOOK = 0.01
#: Seconds between two tasks whose latency is measured: long enough for each to find the worker idle.
_APART = 0.02


class Contestant:
    """A prefork worker of one variant, with its broker and the monitor that watches it, if any.

    Args:
        variant: How it runs.
        otlp_endpoint: Where telemetry is sent.
        directory: Where logs and data go.

    Attributes:
        published: CPU seconds per message, for each time that the queue was filled.
        monitor: What watches it.
        redis: A client of its broker.
    """

    def __init__(self, variant: Variant, *, otlp_endpoint: str, directory: Path) -> None:
        self.variant = variant
        self.published: list[float] = []
        self.monitor: Monitor | None = None
        self._directory = directory / variant.key
        self._broker = RedisServer(self._directory)
        self._latencies = self._directory / "latencies"
        self._env = {
            "BENCH_VARIANT": variant.instrumentation,
            "BENCH_BROKER": self._broker.url,
            "BENCH_LATENCIES": str(self._latencies),
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_endpoint,
            "OTEL_SERVICE_NAME": f"bench-{variant.key}",
            **variant.environment(self._directory),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "instrumentation")]),
        }
        argv = [sys.executable, "-m", "celery", "-A", "tests.benchmarks.application", "worker"]
        argv += ["-n", f"{variant.key}@%h", "-P", "prefork", "-c", str(CONCURRENCY), *variant.arguments]
        self._process = Process(variant.key, argv, directory=directory, env=self._env, cwd=ROOT)

    @property
    def pid(self) -> int:
        """The process id of MAIN."""
        return self._process.pid

    def run(self, tasks: int) -> Spent:
        """Return what the worker takes for so many tasks, from the first to the last.

        The queue is filled while MAIN is stopped, so that it works at its full speed and alone.
        """
        self._fill(tasks)
        before, watched, start = Cpu.of(self._process.pid), self._monitored(), time.monotonic()
        self._process.signal(signal.SIGCONT)
        self._wait_until(self._is_empty, interval=_LOOK)
        seconds = time.monotonic() - start
        self._wait_until_quiet()
        return Spent(Cpu.of(self._process.pid) - before, seconds, self._monitored() - watched)

    def traffic(self, tasks: int) -> Traffic:
        """Return what so many tasks make of work for the broker, from publishing to acknowledgement.

        Nobody asks the broker meanwhile how far they are: that would be work for it, too.
        """
        before = Traffic.of(self.redis)
        self._fill(tasks)
        self._process.signal(signal.SIGCONT)
        self._wait_until_quiet()
        done = Traffic.of(self.redis) - before
        self._wait_until(self._is_empty, interval=_LOOK)
        return done

    def latency(self, tasks: int) -> Latency:
        """Return how long so many tasks took from their publishing to their first line, while the worker was idle."""
        self._publish(tasks, "--pause", str(_APART))
        self._wait_until(lambda: len(self._measured()) >= tasks, interval=_LOOK)
        return Latency.of(self._measured())

    def memory(self) -> Memory:
        """What the worker holds now."""
        return Memory.of(self._process.pid)

    def _measured(self) -> list[float]:
        return [float(line) for line in self._latencies.read_text().splitlines()] if self._latencies.exists() else []

    def _monitored(self) -> float:
        return used(self.monitor.process.pid) if self.monitor else 0.0

    def _fill(self, tasks: int) -> None:
        self._process.signal(signal.SIGSTOP)
        self.published.append(float(self._publish(tasks)))

    def _publish(self, tasks: int, *options: str) -> str:
        return publish(self._env, tasks, *options)

    def _wait_until_quiet(self) -> None:
        quiet = Quiet(self.variant.quiet)
        self._wait_until(lambda: quiet.since(Cpu.of(self._process.pid).total), interval=_LOOK * 10)

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
        return not self.redis.llen("celery") and not self.redis.hlen("unacked")

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._broker)
            self.redis = stack.enter_context(Redis.from_url(self._broker.url))
            if self.variant.beside:
                self.monitor = stack.enter_context(MONITORS[self.variant.beside](self._broker.url, self._directory))
            stack.enter_context(self._process)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def publish(env: Mapping[str, str], tasks: int, *options: str) -> str:
    """Publish from a process of its own, instrumented as the environment says; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.publisher", str(tasks), *options],
        env=child_environment({**env, "BENCH_ROLE": "publisher"}),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout


def turns(contestants: Sequence[Contestant], number: int) -> list[list[Contestant]]:
    """The order in which contestants take so many turns.

    There and back: who comes first in one turn comes last in the next, so a machine that slows down hits all.
    """
    return [list(contestants if turn % 2 == 0 else reversed(contestants)) for turn in range(number)]
