"""One Redis for all tests here, and workers whose series are scraped and whose spans arrive at a sink."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from celery_otel_pipeline.otlp_sink import OtlpSink, SinkSpan
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import free_port
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker
from tests.integration.worker.conftest import Series, eventually, scrape

ROOT = Path(__file__).parents[3]
APPLICATION = "tests.integration.models.application"
_numbers = count()


class Laboratory:
    """A worker with two slots, a queue of its own, what it counts and the spans of its tasks.

    Args:
        broker_url: Broker and result backend.
        directory: Where the log goes.
        arguments: More of the worker's command line.
        pool: The worker's pool.
        env: More of its environment.
    """

    def __init__(
        self, broker_url: str, directory: Path, arguments: tuple[str, ...], pool: str, env: dict[str, str]
    ) -> None:
        name = f"runs{next(_numbers)}"
        self.queue = name
        self.client = Celery("client", broker=broker_url, backend=broker_url, set_as_current=False)
        self.sink = OtlpSink()
        self._port = free_port()
        self.worker = CeleryWorker(
            name,
            app=f"{APPLICATION}:app",
            broker_url=broker_url,
            directory=directory,
            pool=pool,
            concurrency=2,
            queues=[name],
            arguments=arguments,
            env={
                "RUNS_BACKEND": broker_url,
                "OTEL_EXPORTER_OTLP_ENDPOINT": self.sink.endpoint,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_METRICS_EXPORTER": "prometheus",
                "OTEL_EXPORTER_PROMETHEUS_PORT": str(self._port),
                "OTEL_BSP_SCHEDULE_DELAY": "100",
                **env,
            },
            cwd=ROOT,
        )

    def run(self, task: str, *arguments: Any) -> Any:
        """What comes of a task: its result, or its exception."""
        return self.client.send_task(f"runs.{task}", arguments, queue=self.queue).get(timeout=60, propagate=False)

    def expect(self, expected: Series) -> None:
        """Waits until these series are as expected.

        Raises:
            DeadlineError: They were others after 20 seconds.
        """

        def found() -> Series:
            series = scrape(self._port)
            return {key: series[key] for key in expected if key in series}

        eventually(expected, found)

    def spans(self, task: str, number: int) -> list[SinkSpan]:
        """The spans of a task, once there are so many.

        Raises:
            DeadlineError: There were others after half a minute.
        """
        name = f"process runs.{task}"

        def arrived() -> bool:
            # An idle worker makes the last spans when its numbers are read.
            scrape(self._port)
            return len(self.sink.spans(name=name)) == number

        wait_until(
            arrived,
            deadline=30,
            message=lambda: f"{len(self.sink.spans(name=name))} of {number} {name}\n{self.worker.log[-3000:]}",
        )
        return self.sink.spans(name=name)

    def close(self) -> None:
        """Ends the worker and the client."""
        self.worker.stop()
        self.client.close()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server, as broker and result backend."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


OpenLaboratory = Callable[..., Laboratory]


@pytest.fixture
def open_laboratory(redis: RedisServer, tmp_path: Path) -> Iterator[OpenLaboratory]:
    """Starts workers, which end with the test."""
    with ExitStack() as stack:

        def start(*arguments: str, pool: str = "prefork", **env: str) -> Laboratory:
            laboratory = Laboratory(redis.url, tmp_path, arguments, pool, env)
            stack.enter_context(laboratory.sink)
            stack.callback(laboratory.close)
            laboratory.worker.start()
            return laboratory

        yield start


def ended(model_type: str, successes: int, failures: int = 0) -> Series:
    """The series of the runs of a model type."""
    return {
        ("celery_training_runs_total", (("model_type", model_type), ("result", result))): float(number)
        for result, number in (("success", successes), ("failure", failures))
    }
