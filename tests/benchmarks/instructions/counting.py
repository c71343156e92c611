"""Runs a worker under Valgrind, and counts the instructions that it executes for a task.

The same code takes half as long again when a neighbour uses the other half of the core. The number of its instructions
is the same. Not counted is what the kernel does, which is bare Celery's: the instrumentation makes no system call for a
task. What happens by the clock and not for a task (exports, heartbeats) is put off.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import Process, ProcessDiedError
from celery_otel_pipeline.redis import RedisServer
from tests.benchmarks.contestant import CONCURRENCY, ROOT, publish
from tests.benchmarks.variants import Variant

#: Tasks of the two runs whose difference is counted: what a worker does once, at start and end, is in both.
FEW, MANY = 60, 360
#: Valgrind takes fifty times as long, and more on a machine that does other things.
PATIENCE = 900.0
_NEVER = "3600000"
#: What happens by the clock happens fifty times as often for each task that takes fifty times as long.
_PUT_OFF = {
    "OTEL_METRIC_EXPORT_INTERVAL": _NEVER,
    "OTEL_BSP_SCHEDULE_DELAY": _NEVER,
    "CELERY_OTEL_RESOURCES": "false",
    # The order in sets decides how often a dictionary has to search.
    "PYTHONHASHSEED": "0",
}
_QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


@dataclass(frozen=True, slots=True)
class Instructions:
    """How many instructions processes have executed.

    Attributes:
        main: MAIN.
        children: Its children together.
    """

    main: float
    children: float

    @property
    def total(self) -> float:
        """Of all of them."""
        return self.main + self.children

    @classmethod
    def read(cls, directory: Path, main: int) -> "Instructions":
        """Reads what Cachegrind has written, a file for each process.

        Args:
            directory: Where the files are.
            main: The process id of MAIN.

        Raises:
            ProcessDiedError: There is none of MAIN.
        """
        counts = {int(path.suffix[1:]): _summary(path.read_text()) for path in directory.glob("counted.*")}
        if main not in counts:
            raise ProcessDiedError(f"Valgrind has written nothing of MAIN, process {main}")
        return cls(counts[main], sum(counts.values()) - counts[main])


def _summary(text: str) -> int:
    (line,) = (line for line in text.splitlines() if line.startswith("summary:"))
    return int(line.split()[1])


def per_task(variant: Variant, endpoint: str) -> Instructions:
    """How many instructions a worker executes for a task that does nothing.

    Args:
        variant: How the worker runs.
        endpoint: Where telemetry is sent.
    """
    few, many = (_run(variant, endpoint, tasks) for tasks in (FEW, MANY))
    tasks = MANY - FEW
    return Instructions((many.main - few.main) / tasks, (many.children - few.children) / tasks)


def _run(variant: Variant, endpoint: str, tasks: int) -> Instructions:
    with tempfile.TemporaryDirectory(prefix="celery-otel-instructions-") as name, _broker(Path(name)) as (url, redis):
        env = {**_environment(variant, url, endpoint), **variant.environment(Path(name))}
        publish(env, tasks)
        worker = Process("worker", _counted(variant, Path(name)), directory=Path(name), env=env, cwd=ROOT)
        with worker:
            wait_until(
                lambda: _is_done(worker, redis),
                deadline=PATIENCE,
                message=lambda: f"the tasks are not done\n{worker.log_tail}",
            )
            worker.stop(PATIENCE)
        return Instructions.read(Path(name), worker.pid)


@contextmanager
def _broker(directory: Path) -> Iterator[tuple[str, Redis]]:
    with RedisServer(directory) as broker, Redis.from_url(broker.url) as redis:
        yield broker.url, redis


def _is_done(worker: Process, redis: Redis) -> bool:
    if not worker.alive:
        raise ProcessDiedError(f"the worker ended\n{worker.log_tail}")
    return not redis.llen("celery") and not redis.hlen("unacked")


def _environment(variant: Variant, broker: str, endpoint: str) -> dict[str, str]:
    return {
        "BENCH_VARIANT": variant.instrumentation,
        "BENCH_BROKER": broker,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        **_PUT_OFF,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "instrumentation")]),
    }


def _counted(variant: Variant, directory: Path) -> list[str]:
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={directory}/counted.%p"]
    worker = [sys.executable, "-m", "celery", "-A", "tests.benchmarks.application", "worker", "-n", "counted@%h"]
    return [*valgrind, *worker, "-P", "prefork", "-c", str(CONCURRENCY), *_QUIET, *variant.arguments]
