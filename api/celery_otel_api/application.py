"""The service as an ASGI application: `application(celery_app)` serves it, or is mounted into another one."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import chain

from celery import Celery
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from celery_otel_api import health, queues, revoke, stats, task_state, tasks, workers
from celery_otel_api.cluster import cluster_of
from celery_otel_api.operation import Operation
from celery_otel_api.problems import ProblemError, on_error, on_http_exception, on_problem
from celery_otel_api.settings import ApiSettings


def operations() -> Iterable[Operation]:
    """Everything that the service can be asked."""
    return chain(
        tasks.OPERATIONS,
        task_state.OPERATIONS,
        revoke.OPERATIONS,
        workers.OPERATIONS,
        stats.OPERATIONS,
        queues.OPERATIONS,
        health.OPERATIONS,
    )


def application(app: Celery, settings: ApiSettings | None = None) -> Starlette:
    """The service for a Celery application.

    Args:
        app: The application.
        settings: The options, if not those of the environment.

    Raises:
        ConfigurationError: An option has a value that cannot be used.
    """
    options = settings or ApiSettings.read()

    @asynccontextmanager
    async def lifespan(service: Starlette) -> AsyncIterator[None]:
        async with cluster_of(app, options) as cluster:
            service.state.cluster = cluster
            yield

    return Starlette(
        routes=[operation.route() for operation in operations()],
        lifespan=lifespan,
        exception_handlers={ProblemError: on_problem, HTTPException: on_http_exception, Exception: on_error},
    )
