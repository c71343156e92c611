"""One Redis for all tests here, and one worker that lives again and again."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from celery import Celery

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import free_port
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker
from tests.integration.worker.conftest import Series, scrape

LOGGED = re.compile(r"Task (\S+)\[[0-9a-f-]{36}\] (received|succeeded|raised|retry)")
STATUSES = {"success": "succeeded", "failure": "raised", "retry": "retry"}


class Reborn:
    """A worker, its queue, and where its counts are kept.

    Args:
        broker_url: The broker.
        directory: Where its log and its state go.
        name: Its name and that of its queue.
    """

    def __init__(self, broker_url: str, directory: Path, name: str) -> None:
        self.kept = directory / "kept"
        self.port = free_port()
        self._broker_url = broker_url
        self._directory = directory
        self._name = name
        self._stack = ExitStack()
        self.client = Celery("client", broker=broker_url, backend=broker_url, set_as_current=False)
        self._stack.callback(self.client.close)

    def live(self, pool: str = "solo", *, wait: bool = True, **env: str) -> CeleryWorker:
        """Another life, with these environment variables beside the usual ones."""
        worker = CeleryWorker(
            self._name,
            app="tests.integration.state.application:app",
            broker_url=self._broker_url,
            directory=self._directory,
            pool=pool,
            concurrency=2,
            queues=[self._name],
            env={
                "SHOP_BACKEND": self._broker_url,
                "CELERY_OTEL_STATE_DIRECTORY": str(self.kept),
                "OTEL_METRICS_EXPORTER": "prometheus",
                "OTEL_EXPORTER_PROMETHEUS_PORT": str(self.port),
                "OTEL_TRACES_EXPORTER": "none",
                **env,
            },
            cwd=Path(__file__).parents[3],
        )
        self._stack.callback(worker.kill)
        if wait:
            worker.start()
        else:
            worker.process.start()
        return worker

    def send(self, number: int, first: int = 0) -> None:
        """Sends so many tasks, of each eleven one that may be limited."""
        for one in range(first, first + number):
            name = "shop.limited" if one % 11 == 0 else "shop.mixed"
            self.client.send_task(name, (one,), queue=self._name)

    def waiting(self) -> int:
        """How many messages wait in its queue."""
        with self.client.connection_for_read() as connection, connection.channel() as channel:
            return int(channel.queue_declare(self._name, passive=False).message_count)

    def counted(self) -> Counter[str]:
        """What the worker of now has counted, over all of its lives, by Celery's words for it."""
        series = scrape(self.port)
        found = {word: total(series, "celery_task_total", status=status) for status, word in STATUSES.items()}
        found["received"] = total(series, "celery_task_received_total")
        return Counter({word: int(number) for word, number in found.items()})

    def close(self) -> None:
        """Ends the worker and the client."""
        self._stack.close()


def total(series: Series, name: str, **labels: str) -> float:
    """The sum of the series that have these labels."""
    wanted = labels.items()
    return sum(value for (found, have), value in series.items() if found == name and wanted <= dict(have).items())


def logged(worker: CeleryWorker) -> Counter[str]:
    """What Celery has logged of tasks, in all lives."""
    return Counter(word for _, word in LOGGED.findall(worker.log))


def unexplained(series: Series) -> float:
    """What was received and neither ended nor returned nor is held: 0, if the ledger balances."""
    parts = ("celery_task_total", "celery_task_returned_total", "celery_active_tasks", "celery_worker_prefetch_count")
    return total(series, "celery_task_received_total") - sum(total(series, part) for part in parts)


def wait_for_death(worker: CeleryWorker) -> None:
    """Returns when its main process has ended."""
    wait_until(lambda: not worker.alive, deadline=30, message="the worker has not been killed")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server, as broker and result backend."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


_numbers = count()


@pytest.fixture
def reborn(broker: RedisServer, tmp_path: Path) -> Iterator[Reborn]:
    """A worker that has not lived yet."""
    made = Reborn(broker.url, tmp_path, f"reborn{next(_numbers)}")
    yield made
    made.close()
