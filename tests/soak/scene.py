"""What a soak runs: two workers, a publisher, a broker, a collector and a Prometheus."""

import os
import re
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis

from celery_otel_pipeline.polling import DeadlineError, wait_until
from celery_otel_pipeline.process import Process, ProcessDiedError
from celery_otel_pipeline.prometheus import PrometheusServer
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.worker import CeleryWorker, start_together
from tests.acceptance.ledger import span_plan
from tests.acceptance.ledger.balance import Reading, differences
from tests.acceptance.ledger.plan import Plan
from tests.acceptance.ledger.producer import AskedBackend
from tests.acceptance.ledger.scene import BEYOND_PLANNING
from tests.benchmarks.comparison import collecting
from tests.soak.mix import CONDITIONS, planned

JOB = "soak"
WORKERS, CHILDREN = 2, 2
SERVERS = ("collector", "Prometheus", "Redis")
"""What is not ours: shown, and not judged."""
SETTLING = 90.0
_ROUNDS = re.compile(r"^rounds: (\d+)$", re.MULTILINE)


class Soak:
    """Everything that runs, from entering to leaving.

    Args:
        directory: For data and logs.
        bare: Whether the workers run without celery-otel: to see what Celery itself does.
    """

    def __init__(self, directory: Path, *, bare: bool = False) -> None:
        self._directory = directory
        self._bare = bare
        self._stack = ExitStack()

    def processes(self) -> dict[str, int]:
        """Everything that runs, by name: ours first.

        Raises:
            ProcessDiedError: The publisher has ended: workers at rest say nothing of their memory.
        """
        if not self._publisher.alive:
            raise ProcessDiedError(f"the publisher has ended before its time\n{self._publisher.log_tail}")
        found = {"publisher": self._publisher.pid}
        for worker in self._workers:
            found[worker.process.name] = worker.pid
            found |= {f"{worker.process.name}, child {n}": pid for n, pid in enumerate(sorted(worker.children), 1)}
        servers = (self._collector, self._prometheus, self._broker)
        return {**found, **{name: server.pid for name, server in zip(SERVERS, servers, strict=True)}}

    def series(self) -> int:
        """How many series Prometheus has of the workers."""
        found = self._prometheus.query(f'count({{job="{JOB}"}})')
        return int(found[0].value) if found else 0

    def finish(self) -> int:
        """Stop publishing, and return how many rounds were sent once the workers have run all of them."""
        self._publisher.signal(signal.SIGTERM)
        self._publisher.wait(60)
        found = _ROUNDS.search(self._publisher.log)
        if found is None:
            raise RuntimeError(f"the publisher does not say what it has sent\n{self._publisher.log_tail}")
        wait_until(self._is_empty, deadline=SETTLING, message="the workers do not finish what was sent")
        return int(found[1])

    def wrong(self, rounds: int) -> list[str]:
        """A line for each count that does not come to equal the plan of so many rounds in time."""
        if self._bare:
            return []
        plan = planned(rounds)
        with suppress(DeadlineError):
            wait_until(lambda: not self._differences(plan), deadline=SETTLING, interval=2.0, message="not equal")
        return self._differences(plan)

    def _differences(self, plan: Plan) -> list[str]:
        # The workers never restart, so the newest values are all that was ever counted.
        reading = Reading.of(self._prometheus, JOB, window="1m")
        found = Plan({key: value for key, value in reading.totals().items() if key.metric not in BEYOND_PLANNING})
        lines = [str(difference) for difference in differences(plan, found)]
        spans, sent = span_plan.spans_of(plan).total(), reading.sum_of("celery_otel_spans_exported_total")
        return lines + [f"celery_otel_spans_exported_total: planned {spans}, Prometheus {sent:g}"] * (spans != sent)

    def _is_empty(self) -> bool:
        with Redis.from_url(self._broker.url) as redis:
            return not redis.llen(CONDITIONS.queue) and not redis.hlen("unacked")

    def _worker(self, number: int) -> CeleryWorker:
        return CeleryWorker(
            f"worker{number}",
            app="tests.soak.bare:app" if self._bare else "tests.soak.application:app",
            broker_url=self._broker.url,
            directory=self._directory,
            concurrency=CHILDREN,
            queues=[CONDITIONS.queue],
            env=self._environment(JOB),
            cwd=ROOT,
        )

    def _environment(self, service: str) -> Mapping[str, str]:
        database = self._broker.url.removesuffix("/0")
        return {
            "LEDGER_BROKER_URL": self._broker.url,
            "LEDGER_RESULT_BACKEND": f"{database}/1",
            "LEDGER_JOURNAL": f"{database}/2",
            "LEDGER_QUEUE": CONDITIONS.queue,
            "LEDGER_PREFETCH": "4",
            "OTEL_SERVICE_NAME": service,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self._collector.otlp_http_endpoint,
            "OTEL_METRIC_EXPORT_INTERVAL": "5000",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "instrumentation"), str(ROOT / "collector")]),
        }

    def _unread(self) -> str:
        """The publisher's result backend: Celery's own subscribes to every task that is sent, and would never end."""
        return f"{AskedBackend.__module__}.{AskedBackend.__qualname__}+{self._broker.url.removesuffix('/0')}/1"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def _start(self, stack: ExitStack) -> None:
        self._collector = stack.enter_context(collecting())
        self._broker = stack.enter_context(RedisServer(self._directory))
        with Redis.from_url(self._broker.url) as redis:
            # Every command of half an hour would fill the disk.
            redis.config_set("appendonly", "no")
        targets = {"celery_workers": self._collector.metrics_target}
        self._prometheus = stack.enter_context(PrometheusServer(self._directory, targets=targets, scrape_interval="2s"))
        self._workers = [self._worker(number) for number in range(1, WORKERS + 1)]
        for worker in self._workers:
            stack.callback(worker.kill)
        start_together(self._workers)
        argv = [sys.executable, "-m", "tests.soak.publisher"]
        environment = {**self._environment(f"{JOB}-publisher"), "LEDGER_RESULT_BACKEND": self._unread()}
        self._publisher = stack.enter_context(
            Process("publisher", argv, directory=self._directory, env=environment, cwd=ROOT)
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
