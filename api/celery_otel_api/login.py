"""`/session`: the page shows its token once, keeps a cookie that scripts cannot read, and says what it may do."""

from datetime import UTC, datetime
from typing import cast

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from celery_otel_api.caller import Caller
from celery_otel_api.operation import NoParameters, Operation, Scope, valid_body
from celery_otel_api.security import COOKIE, Security
from celery_otel_api.sessions import LIFETIME, Session


class Login(BaseModel):
    """What a session is exchanged for."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = Field(description="a token", min_length=1, max_length=1_000)


class SessionState(BaseModel):
    """Who the caller is."""

    authenticated: bool = Field(description="whether a valid token was shown, or none is needed")
    name: str = Field(description="whose token it is; `anyone` where none is needed, `nobody` where one is missing")
    scopes: list[Scope] = Field(description="what the caller may do")
    csrf_token: str | None = Field(
        None, description="what requests by cookie that change something have to send in X-CSRF-Token; null without one"
    )
    ends_at: str | None = Field(None, description="when the session ends, RFC 3339 in UTC; null without a session")


def _security(request: Request) -> Security:
    return cast("Security", request.app.state.security)


def _answer(caller: Caller, session: Session | None) -> JSONResponse:
    state = SessionState(
        authenticated=caller.known,
        name=caller.name,
        scopes=sorted(caller.scopes),
        csrf_token=session.csrf_token if session else None,
        ends_at=datetime.fromtimestamp(session.ends_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        if session
        else None,
    )
    return JSONResponse(state.model_dump(mode="json"))


async def show(request: Request, parameters: NoParameters) -> Response:  # noqa: ARG001  # every handler's signature
    """Says who the caller is."""
    return _answer(request.user, _security(request).session(request))


async def begin(request: Request, parameters: NoParameters) -> Response:  # noqa: ARG001  # every handler's signature
    """Exchanges a token for a session.

    Raises:
        ProblemError: The token is not valid.
    """
    login = await valid_body(request, Login)
    security = _security(request)
    if not security.tokens:
        return _answer(request.user, None)
    caller = security.exchange(request, login.token.get_secret_value())
    # The former one is of no more use to anybody but a thief.
    security.sessions.end(request.cookies.get(COOKIE, ""))
    cookie, session = security.sessions.begin(caller)
    answer = _answer(caller, session)
    secure = request.url.scheme == "https"
    answer.set_cookie(
        COOKIE, cookie, int(LIFETIME), path=_path(request), secure=secure, httponly=True, samesite="strict"
    )
    return answer


async def end(request: Request, parameters: NoParameters) -> Response:  # noqa: ARG001  # every handler's signature
    """Ends the session.

    Raises:
        ProblemError: The CSRF token is missing.
    """
    security = _security(request)
    security.check_csrf(request)
    security.sessions.end(request.cookies.get(COOKIE, ""))
    answer = Response(status_code=204)
    secure = request.url.scheme == "https"
    answer.delete_cookie(COOKIE, path=_path(request), secure=secure, httponly=True, samesite="strict")
    return answer


def _path(request: Request) -> str:
    """Where the cookie is sent: to this service alone, if it is mounted into another one."""
    return str(request.scope.get("root_path", "")) or "/"


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "/session",
        show,
        "Who the caller is and what they may do",
        description="Needs no token: without one the scopes are empty, or all where no token is needed.",
        scope=None,
        responses={200: SessionState},
    ),
    Operation(
        "/session",
        begin,
        "Begin a session",
        description=(
            "Exchanges a token for a cookie (HttpOnly, SameSite=Strict) that lasts 8 hours. Requests by cookie that "
            "change something have to send csrf_token in X-CSRF-Token."
        ),
        method="POST",
        scope=None,
        body=Login,
        responses={200: SessionState},
        problems=(401, 403, 408, 415, 429),
    ),
    Operation(
        "/session",
        end,
        "End the session",
        description="Does nothing without one.",
        method="DELETE",
        scope=None,
        responses={204: None},
        problems=(403,),
    ),
)
