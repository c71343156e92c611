"""`/openapi.json`: the description of the API for programs, made of the same operations as its routes.

Source: OpenAPI Specification 3.1.1.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from celery_otel_api import documentation
from celery_otel_api.operation import NoParameters, Operation
from celery_otel_api.problems import KINDS, MEDIA_TYPE, Problem
from celery_otel_api.security import COOKIE, SAFE_METHODS

Json = dict[str, Any]

_REF = "#/components/schemas/{model}"
_PROBLEM = Problem.__name__

_DESCRIPTION = """What is running in a Celery cluster, what went wrong, and how to stop it.

Times called `timestamp` are RFC 3339 in UTC; others are Unix seconds. `snapshot_age_seconds` and the header `Age` say
how old an answer is. Errors are `application/problem+json` (RFC 9457): `detail` says what happened and what to do next.
"""

_REASONS = {
    400: "The Host header is not this service's.",
    401: "A token is needed, or it is not valid.",
    403: "The caller may not do this.",
    404: "There is nothing at this address.",
    408: "The request's body did not arrive in time.",
    413: "The request's body is too large.",
    415: "The request's body is not JSON.",
    422: "A parameter is not valid; the problem names it.",
    429: "Too many wrong tokens came from this address.",
    500: "A defect of this service.",
    503: "The broker, or something else that is needed, is away.",
    504: "There was no answer in time.",
}

_HEADERS: dict[int, Json] = {
    401: {"WWW-Authenticate": {"description": "how to show a token", "schema": {"type": "string"}}},
    429: {"Retry-After": {"description": "seconds until the next attempt", "schema": {"type": "integer"}}},
}


def document(operations: Iterable[Operation]) -> Json:
    """The description of these operations."""
    offered = tuple(operations)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "celery-otel",
            "version": version("celery-otel"),
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": _paths(offered),
        "components": {"schemas": _schemas(offered), "securitySchemes": _security_schemes()},
        "x-problem-kinds": KINDS,
    }


def _paths(operations: Iterable[Operation]) -> Json:
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(_bare(operation.path), {})[operation.method.lower()] = _operation(operation)
    return paths


def _bare(path: str) -> str:
    """The path without Starlette's converters, such as `{task_id:path}`."""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": _identifier(operation),
        "summary": operation.summary,
        "description": operation.description or operation.summary,
        "tags": [_tag(operation.path)],
        "parameters": list(_parameters(operation)),
        "responses": _responses(operation),
        "security": [] if operation.scope is None else [{"token": [operation.scope]}, {"session": [operation.scope]}],
    }
    if operation.scope is not None:
        described["description"] += f"\n\nNeeds the scope `{operation.scope}`."
        described["x-scope"] = operation.scope
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": _reference(operation.body)}}
    return described


def _identifier(operation: Operation) -> str:
    words = re.findall(r"\w+", _bare(operation.path).removeprefix("/api/v1/celery")) or ["page"]
    return "_".join([operation.method.lower(), *words])


def _tag(path: str) -> str:
    words = re.findall(r"\w+", path.removeprefix("/api/v1/celery"))
    return words[0] if words else "page"


def _parameters(operation: Operation) -> Iterator[Json]:
    schema = operation.parameters.model_json_schema(ref_template=_REF)
    required = schema.get("required", [])
    for name, raw in schema.get("properties", {}).items():
        in_path = f"{{{name}}}" in _bare(operation.path)
        typed = _not_null({key: value for key, value in raw.items() if key not in {"title", "description"}})
        yield {
            "name": name,
            "in": "path" if in_path else "query",
            "required": in_path or name in required,
            "description": raw.get("description", name),
            "schema": typed,
        }
    described = schema.get("properties", {})
    for name in re.findall(r"\{(\w+)\}", _bare(operation.path)):
        if name not in described:
            yield {"name": name, "in": "path", "required": True, "description": name, "schema": {"type": "string"}}


def _not_null(schema: Json) -> Json:
    """The schema of a value that may be left out: an address cannot say null."""
    kept = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf" and (key, value) != ("default", None)}
    if len(kept) == 1:
        return {**rest, **kept[0]}
    return {**rest, "anyOf": kept} if kept else rest


def _responses(operation: Operation) -> Json:
    responses = {str(status): _problem(status) for status in sorted(_problem_statuses(operation))}
    for status, model in (operation.responses or {200: None}).items():
        content = _content(operation, status, model)
        failed = responses.get(str(status), {})
        described = {"description": _meaning(operation, status), "content": {**failed.get("content", {}), **content}}
        responses[str(status)] = (
            {**failed, **described} if described["content"] else {"description": described["description"]}
        )
    return dict(sorted(responses.items()))


def _content(operation: Operation, status: int, model: type[BaseModel] | None) -> Json:
    if model is not None:
        kind = MEDIA_TYPE if issubclass(model, Problem) else "application/json"
        return {kind: _reference(model)}
    if status == HTTPStatus.NO_CONTENT:
        return {}
    schema: Json = {} if operation.media_type == "application/json" else {"type": "string"}
    return {operation.media_type: {"schema": schema}}


def _meaning(operation: Operation, status: int) -> str:
    model = operation.responses.get(status)
    words = (model.__doc__ or "").strip().partition("\n")[0] if model and not issubclass(model, Problem) else ""
    return words or _REASONS.get(status) or HTTPStatus(status).phrase


def _problem_statuses(operation: Operation) -> set[int]:
    found = {400, 401, 413, 429, 500, 504, *operation.problems}
    if operation.scope is not None:
        found |= {403, 503}
    if operation.media_type == "application/json":
        found |= {422}
    if "{" in operation.path:
        found |= {404}
    return found if operation.method in SAFE_METHODS else found | {403, 408}


def _problem(status: int) -> Json:
    described: Json = {
        "description": _REASONS.get(status, HTTPStatus(status).phrase),
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model=_PROBLEM)}}},
    }
    return {**described, "headers": _HEADERS[status]} if status in _HEADERS else described


def _reference(model: type[BaseModel]) -> Json:
    return {"schema": {"$ref": _REF.format(model=model.__name__)}}


def _schemas(operations: Iterable[Operation]) -> Json:
    """All models, by their names: a model of answers has the name of its class, so two of one name cannot be."""
    schemas: Json = {}
    for operation in operations:
        schemas |= operation.parameters.model_json_schema(ref_template=_REF).get("$defs", {})
    sent: list[type[BaseModel]] = [Problem]
    sent += [model for operation in operations for model in operation.responses.values() if model is not None]
    read = [operation.body for operation in operations if operation.body is not None]
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    modes += [(model, "serialization") for model in dict.fromkeys(sent)]
    modes += [(model, "validation") for model in dict.fromkeys(read)]
    _, found = models_json_schema(modes, ref_template=_REF)
    return schemas | dict(found.get("$defs", {}))


def _security_schemes() -> Json:
    return {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of `celery-otel-api token`. On loopback none is needed as long as none exists.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": COOKIE,
            "description": "The cookie that POST /session gives for a token; changing requests need X-CSRF-Token too.",
        },
    }


def _of(request: Request) -> Mapping[str, Any]:
    described: Json = request.app.state.openapi
    return {**described, "servers": [{"url": request.scope.get("root_path") or "/"}]}


async def show_document(request: Request, parameters: NoParameters) -> Response:  # noqa: ARG001  # every handler's signature
    """Gives the description."""
    return JSONResponse(_of(request))


async def show_page(request: Request, parameters: NoParameters) -> Response:  # noqa: ARG001  # every handler's signature
    """Gives the page."""
    policy = documentation.CONTENT_SECURITY_POLICY
    return HTMLResponse(documentation.page(_of(request)), headers={"Content-Security-Policy": policy})


OPERATIONS: tuple[Operation, ...] = (
    Operation("/openapi.json", show_document, "This description", "OpenAPI 3.1.", scope=None),
    Operation("/docs", show_page, "The documentation as a page", scope=None, media_type="text/html"),
)
