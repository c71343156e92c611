"""What the handlers share while the service runs: made when it starts, closed when it ends."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from celery import Celery
from starlette.requests import Request

from celery_otel_api.fleet import Fleet
from celery_otel_api.operation import Scope
from celery_otel_api.queue_survey import QueueKeeper, queue_keeper
from celery_otel_api.result_readers import ResultReaders
from celery_otel_api.settings import ApiSettings
from celery_otel_api.snapshot import SnapshotKeeper, Surveyor

Authorize = Callable[[Request, Scope], None]
"""Raises a `ProblemError` unless the caller of a request has a scope."""


@dataclass
class Cluster:
    """The workers, queues and results of one application, as the handlers ask for them.

    Attributes:
        app: The Celery application.
        settings: The options.
        fleet: Who is expected.
        snapshots: The newest picture of the workers.
        authorize: Who may do what.
        parts: What other modules keep here, by their name.
        queues: The newest reading of the queues.
        readers: Who reads the result backend.
    """

    app: Celery
    settings: ApiSettings
    fleet: Fleet
    snapshots: SnapshotKeeper
    authorize: Authorize
    parts: dict[str, Any] = field(default_factory=dict)
    queues: QueueKeeper = field(init=False)
    readers: ResultReaders = field(default_factory=ResultReaders)

    def __post_init__(self) -> None:
        """Begins to keep the queues."""
        self.queues = queue_keeper(self.app, self.settings, lambda: self.snapshots.latest)


def everyone(request: Request, scope: Scope) -> None:
    """Lets everyone do everything."""


@asynccontextmanager
async def cluster_of(app: Celery, settings: ApiSettings, authorize: Authorize = everyone) -> AsyncIterator[Cluster]:
    """Opens the cluster of an application."""
    fleet = Fleet(settings.workers, settings.forget_after, monotonic)
    survey = Surveyor(app, settings, fleet)
    snapshots = SnapshotKeeper(survey, interval=settings.refresh_interval, deadline=settings.deadline)
    cluster = Cluster(app, settings, fleet, snapshots, authorize)
    try:
        yield cluster
    finally:
        cluster.readers.close()
        await cluster.queues.close()
        await snapshots.close()
