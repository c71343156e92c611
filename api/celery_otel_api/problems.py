"""Errors as `application/problem+json`: what happened, and what to do next.

Source: RFC 9457, Problem Details for HTTP APIs.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from celery_otel_api.response_headers import PROTECTION

MEDIA_TYPE = "application/problem+json"

KINDS = {
    "broker-unreachable": "The broker did not answer in time: nothing is known of workers and queues.",
    "body-too-large": "The body of the request has more than 16 KiB.",
    "cross-site": "A page of another site asked for something that would change something.",
    "csrf": "A request by cookie did not repeat the session's CSRF token.",
    "host-not-allowed": "The Host header names another host than this service.",
    "http-error": "The request is not valid HTTP for this address.",
    "internal-error": "A defect of this service; its log has the details.",
    "invalid-parameters": "A parameter, or the body, is not valid; `invalid_parameters` names which.",
    "invalid-token": "The token is not valid.",
    "method-not-allowed": "The address exists, but not for this method.",
    "metrics-late": "The workers or queues could not be asked for the series within the deadline.",
    "missing-scope": "The token does not allow this; `scope` names what is missing.",
    "nobody-answered": "No worker answered: whether the task was revoked is not known.",
    "not-found": "No resource has this address.",
    "not-json": "The body's media type is not JSON.",
    "not-started": "The application into which the service is mounted did not start it.",
    "request-too-slow": "The body of the request did not arrive in time.",
    "task-finished": "The task has ended already: there is nothing to revoke.",
    "token-needed": "No token was shown, and one is needed.",
    "too-many-failures": "The caller's address has shown too many wrong tokens; a valid one is taken all the same.",
    "too-many-listeners": "As many streams are open as the service gives out; `Retry-After` says when to try again.",
    "too-slow": "The answer was not ready within the time that the service gives itself.",
}
"""Every kind of problem, and what it means."""


class InvalidParameter(BaseModel):
    """A parameter that cannot be used."""

    name: str = Field(description="its name")
    reason: str = Field(description="why it cannot be used, and what would be valid")


class Problem(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="what kind of problem it is: /problems/ and the kind")
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


def problem_response(request: HTTPConnection, error: ProblemError) -> Response:
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
    400: (
        "host-not-allowed",
        "The Host header is not this service's",
        (
            "The name by which this service was asked for is none of its own. If it is right, add it to "
            "--allowed-hosts (CELERY_OTEL_API_ALLOWED_HOSTS)."
        ),
    ),
    404: ("not-found", "There is nothing here", "No resource has this address. /openapi.json lists those that exist."),
    405: ("method-not-allowed", "Wrong method", "This address answers only the methods that the Allow header names."),
    413: ("body-too-large", "The body is too large", "No request needs a body of this size. Send a smaller one."),
}


def known_problem(status: int, said: str = "", headers: Mapping[str, str] | None = None) -> ProblemError:
    """The problem of a status that Starlette answers with by itself."""
    unknown = ("http-error", "The request was refused", said or "The request was refused.")
    kind, title, detail = _OF_STARLETTE.get(status, unknown)
    return ProblemError(status, kind, title, detail, headers=headers)


async def on_problem(request: Request, error: Exception) -> Response:
    """Answers a `ProblemError`."""
    assert isinstance(error, ProblemError)  # noqa: S101  # what it is registered for
    return problem_response(request, error)


async def on_broker_unreachable(request: Request, error: Exception) -> Response:
    """Answers a question that the broker had to be asked for, and could not."""
    detail = (
        f"{error} Nothing is known of workers and queues meanwhile. Start it, or correct the application's broker_url."
    )
    headers = {"Retry-After": "5"}
    return problem_response(
        request, ProblemError(503, "broker-unreachable", "The broker does not answer", detail, headers=headers)
    )


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answers what Starlette itself refuses."""
    assert isinstance(error, HTTPException)  # noqa: S101  # what it is registered for
    return problem_response(request, known_problem(error.status_code, str(error.detail), error.headers))


async def on_error(request: Request, error: Exception) -> Response:  # noqa: ARG001  # Starlette's signature; it logs it
    """Answers an error of our own: what it was is in the log."""
    detail = "Something failed inside this service. Its log has the details; please report them."
    # This one is answered outside all middleware, which adds these otherwise.
    return problem_response(
        request, ProblemError(500, "internal-error", "This is our error", detail, headers=PROTECTION)
    )
