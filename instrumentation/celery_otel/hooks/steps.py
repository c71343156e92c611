"""The two steps that Celery's documented extension point takes: one in the worker, one in its consumer.

They are all that an application carries around: what they open is only loaded in a process that becomes a worker.
"""

from collections.abc import Callable
from typing import Any, Protocol

from celery import bootsteps


class Watch(Protocol):
    """What watches a consumer."""

    def start(self) -> None:
        """A connection is there."""

    def stop(self) -> None:
        """The connection is gone."""


class WorkerLife(Protocol):
    """What the steps tell of a worker's life."""

    def ready(self) -> None:
        """The pool is up and the consumer connected."""

    def stopping(self) -> None:
        """The worker begins to stop."""

    def watch(self, consumer: Any) -> Watch:
        """Watches a consumer."""


class TelemetryWorkerStep(bootsteps.StartStopStep):
    """Opens the worker's telemetry before there are children."""

    opened: Callable[[Any], WorkerLife | None]

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        self.life = worker.celery_otel = self.opened(worker)
        self.enabled = self.life is not None

    def close(self, _: Any) -> None:
        """The worker begins to stop."""
        if self.life is not None:
            self.life.stopping()


class TelemetryConsumerStep(bootsteps.StartStopStep):
    """Watches the consumer, from one connection to the next."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self.life: WorkerLife | None = consumer.controller.celery_otel
        self.watch = self.life.watch(consumer) if self.life is not None else None
        self.enabled = self.life is not None

    def start(self, _: Any) -> None:
        """There is a connection, and the pool is up."""
        if self.life is not None and self.watch is not None:
            self.watch.start()
            self.life.ready()

    def stop(self, _: Any) -> None:
        """The connection is gone."""
        if self.watch is not None:
            self.watch.stop()


def step_classes(opened: Callable[[Any], WorkerLife | None]) -> tuple[type[Any], type[Any]]:
    """The step classes for `app.steps["worker"]` and `app.steps["consumer"]`.

    Args:
        opened: Called with each new worker, before its pool exists; None leaves the worker alone.
    """
    worker_step = type("CeleryOtelWorkerStep", (TelemetryWorkerStep,), {"opened": staticmethod(opened)})
    return worker_step, type("CeleryOtelConsumerStep", (TelemetryConsumerStep,), {})
