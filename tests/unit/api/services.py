"""Services for the unit tests: with the real middleware, and operations that need each scope."""

import warnings

from celery import Celery
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from celery_otel_api import login, openapi
from celery_otel_api.application import service_of
from celery_otel_api.errors import BrokerUnreachableError
from celery_otel_api.operation import NoParameters, Operation, Scope
from celery_otel_api.settings import ApiSettings
from celery_otel_api.tokens import new_token

with warnings.catch_warnings():
    # Starlette wants a successor of httpx for this alone.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

__all__ = ["LOCAL", "OPERATIONS", "TestClient", "bearer", "client_of", "secret_and_line"]

LOCAL = "http://127.0.0.1:8000"


async def who(request: Request, parameters: NoParameters) -> Response:  # noqa: ARG001  # every handler's signature
    """Says who asks."""
    return JSONResponse({"name": request.user.name})


async def fails(request: Request, parameters: NoParameters) -> Response:  # noqa: ARG001  # as who
    """Has a defect."""
    raise RuntimeError("amqp://user:secret@broker")


async def brokerless(request: Request, parameters: NoParameters) -> Response:  # noqa: ARG001  # as who
    """Has no broker."""
    raise BrokerUnreachableError("The broker at redis://shop:6379// does not answer: refused.")


OPERATIONS = (
    *login.OPERATIONS,
    *openapi.OPERATIONS,
    Operation("/read", who, "Read"),
    Operation("/revoke", who, "Revoke", method="POST", scope=Scope.CONTROL),
    Operation("/metrics", who, "Metrics", scope=Scope.METRICS),
    Operation("/open", who, "For everyone", scope=None),
    Operation("/fails", fails, "Has a defect"),
    Operation("/brokerless", brokerless, "Has no broker"),
)


def client_of(
    *, base_url: str = LOCAL, operations: tuple[Operation, ...] = OPERATIONS, **settings: object
) -> TestClient:
    """A client of a service: enter it, so that the service starts."""
    service = service_of(Celery("shop"), ApiSettings.read(**settings), operations)
    return TestClient(service, base_url=base_url, raise_server_exceptions=False)


def secret_and_line(*scopes: Scope, name: str = "ann") -> tuple[str, str]:
    """A token, and its line."""
    secret, token = new_token(name, scopes)
    return secret, token.line


def bearer(secret: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {secret}"}
