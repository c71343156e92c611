"""One Redis for all tests here, workers with the harness, and the journal of what came to MAIN."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.result import AsyncResult

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker
from tests.integration.relay.harness import stamp_of

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server, as broker and result backend."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


class Shop:
    """A worker, its queue, and what its MAIN wrote down.

    Args:
        name: Names the worker and its queue.
        broker_url: Broker and result backend.
        directory: Where the log and the journal go.
        pool: Its pool.
        concurrency: Its slots.
        arguments: More of its command line.
        env: More of its environment.
        python: The interpreter, which decides the Celery version.
    """

    def __init__(  # noqa: PLR0913  # these are a worker's options
        self,
        name: str,
        *,
        broker_url: str,
        directory: Path,
        pool: str,
        concurrency: int,
        arguments: tuple[str, ...],
        env: dict[str, str],
        python: str = sys.executable,
    ) -> None:
        self.queue = name
        self.directory = directory
        self.client = Celery("client", broker=broker_url, backend=broker_url, set_as_current=False)
        self._journal = directory / f"{name}.jsonl"
        self.worker = CeleryWorker(
            name,
            app="tests.integration.relay.application:app",
            broker_url=broker_url,
            directory=directory,
            pool=pool,
            concurrency=concurrency,
            queues=[name],
            arguments=arguments,
            env={
                "PYTHONPATH": str(ROOT / "collector"),
                "RELAY_BACKEND": broker_url,
                "RELAY_JOURNAL": str(self._journal),
                "RELAY_QUEUE": name,
                **env,
            },
            python=python,
            cwd=ROOT,
        )

    def send(self, task: str, *arguments: Any, **headers: str) -> AsyncResult:
        """Publishes a task."""
        return self.client.send_task(f"shop.{task}", arguments, queue=self.queue, headers=headers)

    def run(self, task: str, *arguments: Any, **headers: str) -> Any:
        """What a task returns."""
        return self.send(task, *arguments, **headers).get(timeout=60)

    def run_together(self, number: int) -> set[int]:
        """Runs so many tasks in as many processes at the same time; gives their process ids."""
        meeting = self.directory / f"meeting{next(_numbers)}"
        meeting.mkdir()
        return {result.get(timeout=60) for result in [self.send("meet", number, str(meeting)) for _ in range(number)]}

    def lines(self) -> list[dict[str, Any]]:
        """What MAIN wrote down so far."""
        text = self._journal.read_text() if self._journal.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def records(self) -> list[dict[str, Any]]:
        """The records that came so far."""
        return [line["record"] for line in self.lines() if "record" in line]

    def notes(self) -> Counter[str]:
        """What was noted so far."""
        notes: Counter[str] = Counter()
        for line in self.lines():
            if "note" in line:
                notes[line["note"]] += line["number"]
        return notes

    def wait_for_records(self, number: int) -> list[dict[str, Any]]:
        """The records, once there are so many."""
        wait_until(
            lambda: len(self.records()) >= number,
            deadline=40,
            message=lambda: f"{len(self.records())} records, not {number}\n{self.worker.log}",
        )
        return self.records()

    def wait_for_pids(self, expected: set[int]) -> None:
        """Waits until these processes have sent a record each."""
        wait_until(
            lambda: expected <= {record["attributes"]["pid"] for record in self.records()},
            deadline=40,
            message=lambda: f"{expected} is not in {self.records()}\n{self.worker.log}",
        )

    def control(self, command: str, **arguments: Any) -> None:
        """Commands the worker until it confirms that it has done so: a pool whose children are busy does not shrink."""
        answers: list[dict[str, Any]] = []

        def confirmed() -> bool:
            destination = [self.worker.node_name]
            replies = self.client.control.broadcast(
                command, arguments=arguments, destination=destination, reply=True, timeout=30, limit=1
            )
            ((answer,),) = (reply.values() for reply in replies)
            answers.append(answer)
            return "ok" in answer

        wait_until(confirmed, deadline=30, message=lambda: f"{command}: {answers[-1]}")

    def close(self) -> None:
        """Ends the worker and the client."""
        self.worker.kill()
        self.client.close()


OpenShop = Callable[..., Shop]
_numbers = count()


@pytest.fixture
def open_shop(broker: RedisServer, tmp_path: Path) -> Iterator[OpenShop]:
    """Starts workers, which end with the test."""
    with ExitStack() as stack:

        def start(
            *arguments: str,
            pool: str = "prefork",
            concurrency: int = 2,
            wait: bool = True,
            python: str = sys.executable,
            **env: str,
        ) -> Shop:
            shop = Shop(
                f"relay{next(_numbers)}",
                broker_url=broker.url,
                directory=tmp_path,
                pool=pool,
                concurrency=concurrency,
                arguments=arguments,
                env=env,
                python=python,
            )
            stack.callback(shop.close)
            if wait:
                shop.worker.start()
            else:
                shop.worker.process.start()
            return shop

        yield start


def stamp(result: AsyncResult) -> str:
    """The stamp of a task's attempt."""
    return stamp_of(result.id)


def span(result: AsyncResult) -> str:
    """The span id of a task's attempt."""
    return stamp(result).split("-")[2]
