"""What the API can be asked: one description of each operation, of which routes and OpenAPI document are made."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from celery_otel_api.problems import ProblemError

API = "/api/v1/celery"
"""The prefix of the guide's endpoints."""


class Scope(StrEnum):
    """What a caller may do."""

    READ = "read"
    """See what is there."""
    RESULTS = "results"
    """See results, arguments and tracebacks of tasks."""
    CONTROL = "control"
    """Revoke tasks."""
    METRICS = "metrics"
    """Read `/metrics`."""


class NoParameters(BaseModel):
    """An operation that takes none."""


Handler = Callable[[Request, Any], Awaitable[Response]]
"""Answers a request, from it and its valid parameters."""


@dataclass(frozen=True)
class Operation:
    """One thing that the API can be asked.

    Attributes:
        path: As Starlette writes it, such as `/api/v1/celery/tasks/{task_id}/status`.
        handler: Answers it.
        summary: What it gives, in a line.
        description: More about it.
        method: The HTTP method.
        scope: What the caller must be allowed; None for everyone.
        parameters: Those of path and query, each a field of a model with its description.
        responses: The model of the body for each status, beside the problems that every operation may answer.
        media_type: Of the successful body.
    """

    path: str
    handler: Handler
    summary: str
    description: str = ""
    method: str = "GET"
    scope: Scope | None = Scope.READ
    parameters: type[BaseModel] = NoParameters
    responses: Mapping[int, type[BaseModel] | None] = field(default_factory=dict)
    media_type: str = "application/json"

    def route(self) -> Route:
        """The route that answers it."""

        async def endpoint(request: Request) -> Response:
            if self.scope is not None:
                request.app.state.cluster.authorize(request, self.scope)
            return await self.handler(request, self._valid(request))

        name = f"{self.method.lower()} {self.path}"
        return Route(self.path, endpoint, methods=[self.method], name=name)

    def _valid(self, request: Request) -> BaseModel:
        """The parameters.

        Raises:
            ProblemError: One of them cannot be used, or is not known.
        """
        try:
            return self.parameters.model_validate({**request.query_params, **request.path_params})
        except ValidationError as error:
            raise invalid_parameters(error) from None


def invalid_parameters(error: ValidationError) -> ProblemError:
    """The problem of parameters that cannot be used, which names each."""
    found = [
        {"name": ".".join(map(str, one["loc"])) or "parameters", "reason": str(one["msg"])} for one in error.errors()
    ]
    names = ", ".join(one["name"] for one in found)
    detail = f"Of the parameters {names} cannot be used. /openapi.json says what is valid."
    return ProblemError(422, "invalid-parameters", "A parameter is not valid", detail, invalid_parameters=found)
