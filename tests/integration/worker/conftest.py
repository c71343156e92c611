"""One Redis for all tests here, and workers that are stopped at the end of theirs."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from celery import Celery
from prometheus_client.parser import text_string_to_metric_families

from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import free_port
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker

APPLICATION = "tests.integration.worker.application:app"
Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Shop:
    """The application, a queue of its own and the workers of one test.

    Args:
        broker_url: The broker.
        directory: Where logs go.
        queue: The queue.
    """

    def __init__(self, broker_url: str, directory: Path, queue: str) -> None:
        self.broker_url = broker_url
        self.directory = directory
        self.queue = queue
        self.client = Celery("client", broker=broker_url, backend=broker_url, set_as_current=False)
        self.workers: list[CeleryWorker] = []

    def worker(self, *, pool: str = "solo", wait: bool = True, **env: str) -> CeleryWorker:
        """A worker with these environment variables; started unless `wait` says not to wait for it."""
        worker = CeleryWorker(
            f"{self.queue}-{len(self.workers)}",
            app=APPLICATION,
            broker_url=self.broker_url,
            directory=self.directory,
            pool=pool,
            concurrency=2,
            queues=[self.queue],
            env={"SHOP_BACKEND": self.broker_url, **env},
            cwd=Path(__file__).parents[3],
        )
        self.workers.append(worker)
        if wait:
            worker.start()
        return worker

    def run(self, task: str, *args: object) -> object:
        """Runs a task by name and waits for its end; gives its result or its exception."""
        name = task if "." in task else f"tests.integration.worker.application.{task}"
        return self.client.send_task(name, args, queue=self.queue).get(timeout=30, propagate=False)

    def stop(self) -> None:
        """Ends the workers and the client."""
        for worker in self.workers:
            worker.kill()
        self.client.close()


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server, as broker and result backend."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


_numbers = count()


@pytest.fixture
def shop(redis: RedisServer, tmp_path: Path) -> Iterator[Shop]:
    """The application with a queue of its own."""
    with ExitStack() as stack:
        shop = Shop(redis.url, tmp_path, f"shop{next(_numbers)}")
        stack.callback(shop.stop)
        yield shop


@pytest.fixture
def port() -> int:
    """A free port."""
    return free_port()


def scrape(port: int) -> Series:
    """Every series that a worker serves itself."""
    families = text_string_to_metric_families(fetch(f"http://127.0.0.1:{port}/metrics"))
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def eventually(expected: object, read: Callable[[], object]) -> None:
    """Waits until something reads as expected.

    Raises:
        DeadlineError: It did not within 20 seconds; the message shows what it reads.
    """
    wait_until(lambda: read() == expected, deadline=20, message=lambda: f"expected {expected!r}, got {read()!r}")
