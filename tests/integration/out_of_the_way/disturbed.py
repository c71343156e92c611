"""A prefork worker in trouble, and what can be asked of it."""

import time
from pathlib import Path
from typing import Self

import psutil
from celery import Celery
from prometheus_client.parser import text_string_to_metric_families

from celery_otel_pipeline.fetching import fetch, is_reachable
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.worker import CeleryWorker

ROOT = Path(__file__).parents[3]
#: What we add to the end of a worker at most, in seconds, and what a busy machine may add to that.
DELAY, SLACK = 2.0, 3.0
OUR_LOGGERS = ("celery_otel", "opentelemetry", "urllib3", "requests", "grpc")


class Disturbed:
    """A worker that exports often, serves `/metrics` itself, and is started on entering the context.

    Args:
        name: Names its node, its queue and its log.
        broker_url: Broker and result backend.
        directory: Where the log goes.
        arguments: More of its command line.
        env: More of its environment.
    """

    def __init__(
        self, name: str, *, broker_url: str, directory: Path, arguments: tuple[str, ...] = (), **env: str
    ) -> None:
        port = free_port()
        self.metrics_url = f"http://{LOOPBACK}:{port}/metrics"
        self.client = Celery("client", broker=broker_url, backend=broker_url, set_as_current=False)
        self.queue = name
        self.worker = CeleryWorker(
            name,
            app="tests.integration.out_of_the_way.application:app",
            broker_url=broker_url,
            directory=directory,
            concurrency=2,
            queues=[name],
            arguments=arguments,
            env={
                "DISTURBED_BACKEND": broker_url,
                "OTEL_METRICS_EXPORTER": "otlp,prometheus",
                "OTEL_EXPORTER_PROMETHEUS_HOST": LOOPBACK,
                "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
                "OTEL_METRIC_EXPORT_INTERVAL": "100",
                # Longer than what the end of a worker may be delayed, so that it is not this that bounds it.
                "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
                **env,
            },
            cwd=ROOT,
        )

    def run(self, count: int) -> list[int]:
        """Runs so many tasks; returns their results."""
        sent = [self.client.send_task("disturbed.double", [number], queue=self.queue) for number in range(count)]
        return [result.get(timeout=30) for result in sent]

    def counter(self, name: str, **labels: str) -> float:
        """The value of a counter that the worker itself serves."""
        return sum(
            sample.value
            for family in text_string_to_metric_families(fetch(self.metrics_url))
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def wait_for(self, number: float, name: str, **labels: str) -> None:
        """Waits until a counter has reached a number."""
        wait_until(
            lambda: self.counter(name, **labels) >= number,
            deadline=40,
            message=lambda: f"{name}{labels} is {self.counter(name, **labels):g}, not {number:g}\n{self.worker.log}",
        )

    def wait_until_serving(self) -> None:
        """Waits until the worker serves its metrics, which it does as soon as it is ready."""
        wait_until(lambda: is_reachable(self.metrics_url), deadline=60, message=lambda: f"not ready\n{self.worker.log}")

    @property
    def lines(self) -> list[str]:
        """What we, and the libraries that we use, have logged."""
        return [line for line in self.worker.log.splitlines() if _logger(line).startswith(OUR_LOGGERS)]

    @property
    def memory(self) -> int:
        """Resident memory of MAIN, in bytes."""
        return int(psutil.Process(self.worker.pid).memory_info().rss)

    def stop_within(self, bare: float) -> None:
        """Stops the worker by SIGTERM.

        Args:
            bare: Seconds that a bare worker takes for it.

        Raises:
            DeadlineError: It was delayed by more than it may be.
        """
        assert 0 == self.worker.warm_stop(bare + DELAY + SLACK)

    def __enter__(self) -> Self:
        self.worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the worker, in whatever state it is, and the client."""
        self.worker.kill()
        self.client.close()


def _logger(line: str) -> str:
    """The name of the logger that wrote a line; empty for lines that are part of another's, such as a traceback's."""
    return line.partition("] ")[2].partition(":")[0] if line.startswith("[") else ""


def seconds_to_stop(worker: Disturbed) -> float:
    """How long a running worker takes to stop."""
    start = time.monotonic()
    worker.worker.warm_stop()
    return time.monotonic() - start
