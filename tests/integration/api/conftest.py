"""Scenes for the tests of the API: a broker, workers of a small application, and the service that tells of them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from celery import Celery

from celery_otel_api.application import application
from celery_otel_api.settings import ApiSettings
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import free_port
from celery_otel_pipeline.rabbitmq import RabbitMQServer
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker

APPLICATION = "tests.integration.api.application:app"
ROOT = Path(__file__).parents[3]
API = "/api/v1/celery"
#: Seconds that a worker has to answer where each answer matters: a busy machine may take longer than the default.
PATIENT = 3.0
Json = dict[str, Any]

_numbers = count()


class Scene:
    """A broker, the workers of one test with a queue of their own, and a client that sends them tasks.

    Args:
        broker_url: The broker.
        backend_url: The result backend; None for none.
        directory: Where logs go.
    """

    def __init__(self, broker_url: str, backend_url: str | None, directory: Path) -> None:
        self.broker_url = broker_url
        self.backend_url = backend_url
        self.directory = directory
        self.queue = f"scene{next(_numbers)}"
        self.client = Celery("client", broker=broker_url, backend=backend_url, set_as_current=False)
        self.client.conf.task_default_queue = self.queue
        self._stack = ExitStack()
        self._stack.callback(self.client.close)

    def worker(
        self,
        name: str = "w",
        *,
        pool: str = "threads",
        concurrency: int = 1,
        queues: Sequence[str] = (),
        arguments: Sequence[str] = (),
        **env: str,
    ) -> CeleryWorker:
        """A worker that runs until the end of the scene. Its node name begins with the given one and the queue's."""
        worker = CeleryWorker(
            f"{name}-{self.queue}",
            app=APPLICATION,
            broker_url=self.broker_url,
            directory=self.directory,
            pool=pool,
            concurrency=concurrency,
            queues=queues or [self.queue],
            env={"SHOP_QUEUE": self.queue, **({"SHOP_BACKEND": self.backend_url} if self.backend_url else {}), **env},
            arguments=arguments,
            cwd=ROOT,
        )
        worker.start()
        # Killed at the end: one that still holds tasks would not stop by itself.
        self._stack.callback(worker.kill)
        return worker

    def send(self, task: str, *args: object, **options: Any) -> str:
        """Sends a task of the application by the last part of its name; gives its id."""
        return str(self.client.send_task(f"shop.{task}", args, **{"queue": self.queue, **options}).id)

    def hold(self, *, seconds: float = 60.0, **options: Any) -> tuple[str, Path]:
        """Sends a task that runs until its gate, a file, is there; gives its id and the gate."""
        gate = self.directory / f"gate{next(_numbers)}"
        return self.send("hold", str(gate), seconds, **options), gate

    def finished(self, task_id: str) -> None:
        """Waits until a task is finished, however it ended."""
        self.client.AsyncResult(task_id).get(timeout=30, propagate=False)

    @contextmanager
    def service(self, **settings: Any) -> Iterator["Service"]:
        """The service of this scene's application."""
        options = ApiSettings.read(**{"refresh_interval": 0.1, "deadline": 30.0, **settings})
        port = free_port()
        server = uvicorn.Server(uvicorn.Config(application(self.client, options), port=port, log_config=None))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        try:
            wait_until(lambda: server.started, deadline=20, message="the service does not start")
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                yield Service(client)
        finally:
            server.should_exit = True
            thread.join(30)

    def close(self) -> None:
        """Ends the workers and the client."""
        self._stack.close()


class Service:
    """The service as a caller sees it: paths are below `/api/v1/celery`.

    Args:
        client: Asks it.
    """

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def get(self, path: str, status: int = 200, **query: object) -> Json:
        """Asks for something; gives the body, after a check of the HTTP status."""
        answer = self.client.get(f"{API}/{path}", params={name: str(value) for name, value in query.items()})
        assert status == answer.status_code, answer.text
        body: Json = answer.json()
        return body

    def post(self, path: str, status: int = 200, **query: object) -> Json:
        """Asks to do something; gives the body, after a check of the HTTP status."""
        answer = self.client.post(f"{API}/{path}", params={name: str(value) for name, value in query.items()})
        assert status == answer.status_code, answer.text
        body: Json = answer.json()
        return body

    def task(self, task_id: str, state: str | None = None) -> Json:
        """What is known of a task; with a state, once it is in that."""
        if state is None:
            return self.get(f"tasks/{task_id}/status")
        return self.until(f"tasks/{task_id}/status", lambda body: body["state"] == state, f"the state {state}")

    def until(self, path: str, condition: Callable[[Json], bool], message: str, **query: object) -> Json:
        """Asks for something until it is as it should be."""
        found: list[Json] = []

        def asked() -> bool:
            found.append(self.get(path, 200, fresh=True, **query))
            return condition(found[-1])

        wait_until(asked, deadline=30, message=lambda: f"{message}: {found[-1]}")
        return found[-1]


def _redis_url(server: RedisServer) -> str:
    """A database of its own, so that the remote control of one scene does not reach another's workers."""
    return f"{server.url.rpartition('/')[0]}/{next(_numbers) % 16}"


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server for all scenes, as broker and result backend."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQServer]:
    """A RabbitMQ server for all scenes."""
    with RabbitMQServer(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture
def scene(redis: RedisServer, tmp_path: Path) -> Iterator[Scene]:
    """A scene on Redis, with Redis as its result backend."""
    url = _redis_url(redis)
    scene = Scene(url, url, tmp_path)
    yield scene
    scene.close()


@pytest.fixture
def bare_scene(redis: RedisServer, tmp_path: Path) -> Iterator[Scene]:
    """A scene on Redis without a result backend."""
    scene = Scene(_redis_url(redis), None, tmp_path)
    yield scene
    scene.close()


@pytest.fixture(params=["redis", "rabbitmq"])
def any_scene(request: pytest.FixtureRequest, redis: RedisServer, tmp_path: Path) -> Iterator[Scene]:
    """A scene on each broker, with Redis as its result backend."""
    backend = _redis_url(redis)
    broker = backend if request.param == "redis" else request.getfixturevalue("rabbitmq").url
    scene = Scene(broker, backend, tmp_path)
    yield scene
    scene.close()
