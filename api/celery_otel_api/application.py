"""The service as an ASGI application: `application(celery_app)` serves it, or is mounted into another one."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any

from celery import Celery
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ExceptionHandler

from celery_otel_api import (
    charts,
    health,
    live,
    login,
    openapi,
    page,
    queues,
    revoke,
    stats,
    task_state,
    tasks,
    workers,
)
from celery_otel_api.cluster import cluster_of
from celery_otel_api.errors import BrokerUnreachableError
from celery_otel_api.operation import Operation, routes
from celery_otel_api.problems import ProblemError, on_broker_unreachable, on_error, on_http_exception, on_problem
from celery_otel_api.request_checks import (
    MOST_BODY,
    BodyDeadlineMiddleware,
    HostMiddleware,
    OriginMiddleware,
    PlainErrorMiddleware,
)
from celery_otel_api.response_headers import ProtectionMiddleware
from celery_otel_api.security import Security, refused
from celery_otel_api.settings import ApiSettings

_ON_ERRORS: Mapping[Any, ExceptionHandler] = {
    ProblemError: on_problem,
    BrokerUnreachableError: on_broker_unreachable,
    HTTPException: on_http_exception,
    Exception: on_error,
}


def operations() -> Iterable[Operation]:
    """Everything that the service can be asked."""
    return chain(
        charts.OPERATIONS,
        health.OPERATIONS,
        live.OPERATIONS,
        login.OPERATIONS,
        openapi.OPERATIONS,
        queues.OPERATIONS,
        revoke.OPERATIONS,
        stats.OPERATIONS,
        task_state.OPERATIONS,
        tasks.OPERATIONS,
        workers.OPERATIONS,
    )


def application(app: Celery, settings: ApiSettings | None = None) -> Starlette:
    """The service for a Celery application.

    Args:
        app: The application.
        settings: The options, if not those of the environment.

    Raises:
        ConfigurationError: An option has a value that cannot be used, or everyone could do everything.
    """
    return service_of(app, settings or ApiSettings.read(), operations())


def service_of(app: Celery, options: ApiSettings, offered: Iterable[Operation]) -> Starlette:
    """The service with just these operations.

    Args:
        app: The application.
        options: The options.
        offered: What it can be asked.

    Raises:
        ConfigurationError: A token cannot be read, or everyone could do everything.
    """
    security = Security(options)
    described = tuple(offered)

    @asynccontextmanager
    async def lifespan(service: Starlette) -> AsyncIterator[None]:
        async with cluster_of(app, options, security.authorize) as cluster:
            service.state.cluster = cluster
            yield

    service = Starlette(
        routes=[*routes(described), *page.ROUTES],
        lifespan=lifespan,
        middleware=middleware(options, security),
        exception_handlers=_ON_ERRORS,
    )
    service.state.security = security
    service.state.openapi = openapi.document(described)
    return service


def middleware(settings: ApiSettings, security: Security) -> list[Middleware]:
    """What every request passes, from outside to inside."""
    return [
        Middleware(ProtectionMiddleware),
        Middleware(PlainErrorMiddleware),
        Middleware(RequestBodyLimitMiddleware, max_body_size=MOST_BODY),
        Middleware(BodyDeadlineMiddleware),
        Middleware(HostMiddleware, settings=settings),
        Middleware(OriginMiddleware, hosts=settings.allowed_hosts),
        Middleware(AuthenticationMiddleware, backend=security, on_error=refused),
    ]
