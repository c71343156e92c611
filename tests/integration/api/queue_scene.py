"""An application, its messages and workers, and the API of it."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, Self

import httpx
import uvicorn
from celery import Celery
from starlette.applications import Starlette

from celery_otel_api.application import application
from celery_otel_api.operation import API
from celery_otel_api.settings import ApiSettings
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.worker import CeleryWorker

APPLICATION = "tests.integration.api.queue_app:app"
QUEUES = f"{API}/queues/status"
HEALTH = f"{API}/health"


class QueueScene:
    """One application on one broker.

    Args:
        broker_url: The broker.
        directory: Where logs go.
        settings: Of Celery, for clients and workers alike.
    """

    def __init__(self, broker_url: str, directory: Path, **settings: Any) -> None:
        self.broker_url = broker_url
        self.directory = directory
        self.settings = settings
        self.app = Celery("queues", broker=broker_url, set_as_current=False)
        self.app.conf.update(task_ignore_result=True, task_publish_retry=False, **settings)
        self.gate = directory / "gate"
        self._stack = ExitStack()
        self._stack.callback(self.app.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.touch()
        self._stack.close()

    def publish(self, number: int = 1, queue: str = "celery", **options: Any) -> None:
        """Publishes tasks that run until the gate opens."""
        for _ in range(number):
            self.app.send_task("hold", [str(self.gate)], queue=queue, **options)

    def worker(self, name: str, *queues: str, pool: str = "threads") -> CeleryWorker:
        """Starts a worker with one slot, which holds four tasks that have not started."""
        worker = CeleryWorker(
            name,
            app=APPLICATION,
            broker_url=self.broker_url,
            directory=self.directory,
            pool=pool,
            concurrency=1,
            queues=queues or ["celery"],
            env={"QUEUE_APP_SETTINGS": json.dumps(self.settings)},
            cwd=Path(__file__).parents[3],
        )
        worker.start()
        self._stack.callback(worker.kill)
        return worker

    @contextmanager
    def api(self, **options: Any) -> Iterator["QueueApi"]:
        """The API of it, with options of its own."""
        settings = ApiSettings.read(**{"refresh_interval": 0.2, "inspect_timeout": 0.5, "deadline": 30.0, **options})
        with served(application(self.app, settings)) as address, httpx.Client(base_url=address, timeout=60) as client:
            yield QueueApi(client)


@contextmanager
def served(service: Starlette) -> Iterator[str]:
    """Serves it over HTTP in a thread of this process, and gives its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(service, LOOPBACK, port, ws="none", log_level="warning"))
    thread = Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, deadline=20, message="the API does not start", interval=0.01)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        server.should_exit = True
        thread.join(60)


class QueueApi:
    """Asks the API.

    Args:
        client: Asks it over HTTP.
    """

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def queues(self) -> dict[str, Any]:
        """All of `queues/status`."""
        response = self.client.get(QUEUES, params={"fresh": "1"})
        assert 200 == response.status_code, response.text
        found: dict[str, Any] = response.json()
        return found

    def queue(self, name: str = "celery") -> dict[str, Any]:
        """One queue; empty if there is none of this name."""
        found: dict[str, Any] = {queue["name"]: queue for queue in self.queues()["queues"]}.get(name, {})
        return found

    def health(self) -> tuple[int, dict[str, Any]]:
        """The status of HTTP and the body."""
        response = self.client.get(HEALTH, params={"fresh": "1"})
        return response.status_code, response.json()

    def gone(self) -> dict[str, Any]:
        """Waits until the broker is found to be away, and gives all of `queues/status`."""

        def found() -> dict[str, Any]:
            answer = self.queues()
            return {} if answer["broker_connected"] else answer

        return wait_until(found, deadline=30, message="the broker is away and nobody notices")

    def eventually(self, expected: dict[str, Any], name: str = "celery") -> dict[str, Any]:
        """Waits until a queue has these numbers, and gives all of it."""

        def found() -> dict[str, Any]:
            queue = self.queue(name)
            return queue if expected.items() <= queue.items() else {}

        return wait_until(found, deadline=30, message=lambda: f"expected {expected}, got {self.queue(name)}")
