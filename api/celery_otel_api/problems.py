"""Errors as `application/problem+json`: what happened, and what to do next.

Source: RFC 9457, Problem Details for HTTP APIs.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MEDIA_TYPE = "application/problem+json"


class InvalidParameter(BaseModel):
    """A parameter that cannot be used."""

    name: str = Field(description="its name")
    reason: str = Field(description="why it cannot be used, and what would be valid")


class Problem(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="what kind of problem it is: an address below /problems/, or about:blank")
    title: str = Field(description="the kind in words, always the same")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what happened here, and what to do next")
    instance: str = Field(description="the path that was asked for")
    invalid_parameters: list[InvalidParameter] | None = Field(None, description="which parameters, if it is they")


class ProblemError(Exception):
    """Ends a request with a problem.

    Args:
        status: The HTTP status.
        kind: The last part of the problem's type, such as `broker-unreachable`.
        title: The kind in words, always the same.
        detail: What happened, and what to do next.
        headers: Of the response, such as `Retry-After`.
        more: What the body says besides.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.title, self.detail = status, kind, title, detail
        self.headers = dict(headers or {})
        self.more = more


def problem_response(request: Request, error: ProblemError) -> Response:
    """The response that says it."""
    problem = Problem(
        type=f"/problems/{error.kind}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        instance=request.url.path,
        **error.more,
    )
    content = problem.model_dump(mode="json", exclude_none=True)
    return JSONResponse(content, error.status, error.headers, MEDIA_TYPE)


_OF_STARLETTE = {
    404: ("not-found", "There is nothing here", "No resource has this address. /openapi.json lists those that exist."),
    405: ("method-not-allowed", "Wrong method", "This address answers only the methods that the Allow header names."),
}


async def on_problem(request: Request, error: Exception) -> Response:
    """Answers a `ProblemError`."""
    assert isinstance(error, ProblemError)  # noqa: S101  # what it is registered for
    return problem_response(request, error)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answers what Starlette itself refuses."""
    assert isinstance(error, HTTPException)  # noqa: S101  # what it is registered for
    known = ("http-error", "The request was refused", str(error.detail))
    kind, title, detail = _OF_STARLETTE.get(error.status_code, known)
    return problem_response(request, ProblemError(error.status_code, kind, title, detail, headers=error.headers))


async def on_error(request: Request, error: Exception) -> Response:  # noqa: ARG001  # Starlette's signature; it logs it
    """Answers an error of our own: what it was is in the log."""
    detail = "Something failed inside this service. Its log has the details; please report them."
    return problem_response(request, ProblemError(500, "internal-error", "This is our error", detail))
