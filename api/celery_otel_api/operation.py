"""What the API can be asked: one description of each operation, of which routes and OpenAPI document are made."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.convertors import PathConvertor, register_url_convertor
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


class _AnyText(PathConvertor):
    """Ids of tasks are any text: Starlette's own for paths takes slashes, but no line breaks."""

    regex = "(?s:.*)"


register_url_convertor("any_text", _AnyText())


class NoParameters(BaseModel):
    """An operation that takes none."""


Model = TypeVar("Model", bound=BaseModel)

MOST_SECONDS = 90.0
"""Seconds after which a handler is given up. Its own deadlines are far below; a stream comes after it."""

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
        body: The model of the request's JSON body, for the description; the handler reads it by `valid_body`.
        problems: Statuses of problems that it answers beside those of every operation.
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
    body: type[BaseModel] | None = None
    problems: tuple[int, ...] = ()

    async def answer(self, request: Request) -> Response:
        """The response, if the caller may have it.

        Raises:
            ProblemError: They may not, or a parameter cannot be used, or it took too long.
        """
        if self.scope is not None:
            _running(request).authorize(request, self.scope)
        try:
            async with asyncio.timeout(MOST_SECONDS):
                return await self.handler(request, self._valid(request))
        except TimeoutError:
            detail = f"There was no answer within {MOST_SECONDS:g} s. The log of this service may say why."
            raise ProblemError(504, "too-slow", "The answer took too long", detail) from None

    def _valid(self, request: Request) -> BaseModel:
        """The parameters.

        Raises:
            ProblemError: One of them cannot be used, or is not known.
        """
        query = {name: _one_or_all(request.query_params.getlist(name)) for name in request.query_params}
        known = {info.alias or name for name, info in self.parameters.model_fields.items()}
        unknown = sorted(query.keys() - known)
        # Addresses of pages carry what others append to them.
        if unknown and self.media_type == "application/json":
            raise _unknown_parameters(unknown, known)
        try:
            return self.parameters.model_validate({**query, **request.path_params})
        except ValidationError as error:
            raise invalid_parameters(error) from None


def _running(request: Request) -> Any:
    """The cluster of a service that has been started.

    Raises:
        ProblemError: It has not: the application that it was mounted into does not do it.
    """
    cluster = getattr(request.app.state, "cluster", None)
    if cluster is not None:
        return cluster
    detail = (
        "This service is mounted into an application that did not start it. "
        "The lifespan of that one has to enter celery-otel's: see the guide of the API."
    )
    raise ProblemError(503, "not-started", "The service was not started", detail)


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def routes(operations: Iterable[Operation]) -> list[Route]:
    """One route for each path, so that a wrong method is answered with all that are right."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    return [_route(path, methods) for path, methods in by_path.items()]


def _route(path: str, methods: Mapping[str, Operation]) -> Route:
    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await methods[method].answer(request)

    return Route(path.replace("{task_id}", "{task_id:any_text}"), endpoint, methods=list(methods), name=path)


async def valid_body(request: Request, model: type[Model]) -> Model:
    """The JSON body of a request.

    Raises:
        ProblemError: It is none, or not valid.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # Any site's form can send other types unasked.
    if kind != "application/json":
        detail = f"The body is {kind or 'of no type'}. Send JSON, with Content-Type: application/json."
        raise ProblemError(415, "not-json", "The body is not JSON", detail)
    try:
        return model.model_validate(json.loads(await request.body()))
    except ValidationError as error:
        raise invalid_parameters(error) from None
    except (ValueError, RecursionError):
        detail = "The body is not valid JSON."
        raise ProblemError(422, "invalid-parameters", "A parameter is not valid", detail) from None


def _unknown_parameters(unknown: Iterable[str], known: Iterable[str]) -> ProblemError:
    valid = f"known are {', '.join(sorted(known))}" if known else "there are none here"
    found = [{"name": name, "reason": f"It is not known: {valid}."} for name in unknown]
    detail = f"Of the parameters {', '.join(unknown)} cannot be used. /openapi.json says what is valid."
    return ProblemError(422, "invalid-parameters", "A parameter is not valid", detail, invalid_parameters=found)


def invalid_parameters(error: ValidationError) -> ProblemError:
    """The problem of parameters that cannot be used, which names each."""
    found = [
        {"name": ".".join(map(str, one["loc"])) or "parameters", "reason": str(one["msg"])} for one in error.errors()
    ]
    names = ", ".join(one["name"] for one in found)
    detail = f"Of the parameters {names} cannot be used. /openapi.json says what is valid."
    return ProblemError(422, "invalid-parameters", "A parameter is not valid", detail, invalid_parameters=found)
