"""One Redis, and workers whose tasks train models, with spans or with metrics alone."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Self

import pytest
from celery import Celery
from prometheus_client.parser import text_string_to_metric_families

from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.otlp_sink import OtlpSink, SinkSpan
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import free_port
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker

ROOT = Path(__file__).parents[3]
Runs = dict[tuple[str, str], float]


class Lab:
    """A worker and a queue of its own.

    Args:
        broker_url: Broker and result backend.
        directory: Where the log goes.
        name: The queue's.
        pool: The worker's pool.
        spans: Whether there are spans.
    """

    def __init__(self, broker_url: str, directory: Path, name: str, pool: str, *, spans: bool) -> None:
        self._queue = name
        self._port = free_port()
        self.sink = OtlpSink()
        self.client = Celery("client", broker=broker_url, backend=broker_url, set_as_current=False)
        self.environment = {
            "PYTHONPATH": os.pathsep.join((str(ROOT / "collector"), os.environ.get("PYTHONPATH", ""))),
            "RUNS_BACKEND": broker_url,
            "OTEL_METRICS_EXPORTER": "prometheus",
            "OTEL_EXPORTER_PROMETHEUS_PORT": str(self._port),
            "OTEL_TRACES_EXPORTER": "otlp" if spans else "none",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.sink.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        self.worker = CeleryWorker(
            name,
            app="tests.integration.runs.application:app",
            broker_url=broker_url,
            directory=directory,
            pool=pool,
            concurrency=2,
            queues=[name],
            env=self.environment,
            cwd=ROOT,
        )

    def send(self, task: str) -> str:
        """Sends a task; gives its id."""
        return str(self.client.send_task(f"runs.{task}", queue=self._queue).id)

    def run(self, *tasks: str) -> None:
        """Runs tasks, and waits for their ends."""
        for sent in [self.client.send_task(f"runs.{task}", queue=self._queue) for task in tasks]:
            sent.get(timeout=60, propagate=False)

    def series(self, name: str) -> dict[tuple[str, ...], float]:
        """The series of one name, by the values of their labels, as the worker serves them."""
        page = fetch(f"http://127.0.0.1:{self._port}/metrics")
        samples = (sample for family in text_string_to_metric_families(page) for sample in family.samples)
        return {tuple(sample.labels.values()): sample.value for sample in samples if sample.name == name}

    def runs(self, kind: str = "training") -> Runs:
        """How many runs of a kind have ended, by label and result."""
        found = self.series(f"celery_{kind}_runs_total")
        return {(label, result): number for (label, result), number in found.items() if number}

    def has_begun(self, label: str) -> bool:
        """Whether a training of this model type has ever begun."""
        return (label, "success") in self.series("celery_training_runs_total")

    def wait_for_runs(self, expected: Runs, kind: str = "training") -> None:
        """Waits until exactly these runs are counted.

        Raises:
            DeadlineError: Others were after 20 seconds.
        """
        wait_until(
            lambda: self.runs(kind) == expected,
            deadline=20,
            message=lambda: f"expected {expected}, got {self.runs(kind)}\n{self.worker.process.log_tail}",
        )

    def span(self, task: str) -> SinkSpan:
        """The span of the only attempt of a task."""
        name = f"process runs.{task}"
        wait_until(lambda: self.sink.spans(name=name), deadline=20, message=f"no span {name}")
        (span,) = {span.span_id: span for span in self.sink.spans(name=name)}.values()
        return span

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._stack.enter_context(self.sink)
        self._stack.enter_context(self.client)
        self._stack.callback(self.worker.stop)
        self.worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


OpenLab = Callable[..., Lab]


@pytest.fixture(scope="session")
def open_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLab]:
    """Opens labs on one Redis."""
    directory = tmp_path_factory.mktemp("runs")
    numbers = count()
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(directory / "redis"))

        def make(pool: str, *, spans: bool) -> Lab:
            return stack.enter_context(Lab(redis.url, directory, f"lab{next(numbers)}", pool, spans=spans))

        yield make
