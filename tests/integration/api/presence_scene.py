"""A broker of its own, workers, and what the service knows of them: for tests of who is there."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from celery import Celery

from celery_otel_api.fleet import Fleet, Member, Presence
from celery_otel_api.heartbeats import EventHeartbeats
from celery_otel_api.settings import ApiSettings
from celery_otel_api.snapshot import Snapshot, Surveyor
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.rabbitmq import RabbitMQServer
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker

APPLICATION = "tests.integration.worker.application"
ROOT = Path(__file__).parents[3]
LONG = 1000.0
"""Seconds after which no heartbeat is fresh any more."""


class Watched:
    """The workers of one broker, as the service sees them, at a time that only we move.

    Args:
        directory: Where logs go.
        broker: The broker's kind.
    """

    def __init__(self, directory: Path, broker: type[RedisServer | RabbitMQServer] = RedisServer) -> None:
        self.broker = broker(directory / "broker")
        self.now = 0.0
        self.app = Celery("shop", broker=self.broker.url, set_as_current=False)
        self.fleet = Fleet((), forget_after=10 * LONG, monotonic=lambda: self.now)
        self._survey = Surveyor(self.app, ApiSettings.read(deadline=2.0, inspect_timeout=1.0), self.fleet)
        self._events = EventHeartbeats(self.app, self.fleet)
        self._directory = directory
        self._stack = ExitStack()

    def worker(self, name: str, *, pool: str = "solo", **env: str) -> CeleryWorker:
        """A worker that has started and answers."""
        given = {"OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none", **env}
        worker = CeleryWorker(
            name,
            app=f"{APPLICATION}:app",
            broker_url=self.broker.url,
            directory=self._directory,
            pool=pool,
            concurrency=1,
            env=given,
            cwd=ROOT,
        )
        worker.start()
        # Killed at the end: a busy one would not stop by itself.
        self._stack.callback(worker.kill)
        self.wait_for({worker.node_name: Presence.ONLINE})
        return worker

    def occupy(self, worker: CeleryWorker, seconds: float) -> None:
        """Gives a solo worker a task that runs so long, and waits until it does not answer any more."""
        self.app.send_task(f"{APPLICATION}.order", (seconds,))
        wait_until(
            lambda: Presence.ONLINE is not self.presences().get(worker.node_name),
            deadline=20,
            message="the worker is to be busy",
        )

    def survey(self) -> Snapshot:
        """A new picture."""
        return self._survey()

    def presences(self) -> dict[str, Presence]:
        """What is known of each worker now."""
        return {member.name: member.presence for member in self.survey().members}

    def member(self, name: str) -> Member:
        """One worker."""
        return next(member for member in self.survey().members if member.name == name)

    def wait_for(self, expected: dict[str, Presence]) -> None:
        """Waits until just this is known."""
        wait_until(
            lambda: expected == self.presences(),
            deadline=40,
            message=lambda: f"expected {expected}, found {self.presences()}",
        )

    def __enter__(self) -> Self:
        self._stack.enter_context(self.broker)
        self._stack.callback(self.app.close)
        self._events.start()
        self._stack.callback(self._events.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
