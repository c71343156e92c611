"""Who may do what: tokens, sessions of the page, and the rule for those who have neither.

On loopback nobody needs a token as long as none exists. On any other address the service does not start without.
"""

import logging

from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from celery_otel.loopback import is_loopback
from celery_otel_api.caller import ANYONE, NOBODY, Caller
from celery_otel_api.errors import ConfigurationError
from celery_otel_api.failed_attempts import FailedAttempts
from celery_otel_api.operation import Scope
from celery_otel_api.problems import ProblemError, problem_response
from celery_otel_api.sessions import Session, Sessions
from celery_otel_api.settings import ApiSettings, option, variable
from celery_otel_api.tokens import Tokens, read_tokens

COOKIE = "celery_otel_session"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="celery-otel"'}
_PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")

logger = logging.getLogger(__name__)


class RefusedError(AuthenticationError):
    """The caller showed something that is not valid."""

    def __init__(self, problem: ProblemError) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Security(AuthenticationBackend):
    """Knows the caller of each request.

    Args:
        settings: The options.

    Raises:
        ConfigurationError: The tokens cannot be read, or the service would be open to everyone.
    """

    def __init__(self, settings: ApiSettings) -> None:
        self.tokens: Tokens = read_tokens(settings)
        self.sessions = Sessions()
        self._failures = FailedAttempts(settings.failures_per_minute)
        self._allow_anyone = settings.allow_anyone
        _refuse_to_be_open(settings, self.tokens)

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, Caller]:
        """The caller of a request.

        Raises:
            RefusedError: They showed a token that is not valid.
        """
        try:
            caller = self._caller(conn)
        except ProblemError as problem:
            raise RefusedError(problem) from None
        return AuthCredentials(sorted(caller.scopes)), caller

    def _caller(self, conn: HTTPConnection) -> Caller:
        if not self.tokens:
            return ANYONE if self._allow_anyone or is_local(conn) else NOBODY
        scheme, _, secret = conn.headers.get("authorization", "").partition(" ")
        if scheme:
            return self.exchange(conn, secret.strip() if scheme.lower() == "bearer" else "")
        session = self.session(conn)
        return NOBODY if session is None else session.caller

    def exchange(self, conn: HTTPConnection, secret: str) -> Caller:
        """The caller to whom a token belongs.

        A valid one is always taken: nobody guesses 256 random bits, and others may have the address of who tries.

        Raises:
            ProblemError: 401 if it is not valid, 429 if their address has shown too many that are not.
        """
        token = self.tokens.find(secret)
        if token is not None:
            return Caller(token.name, token.scopes)
        address = conn.client.host if conn.client else "unknown"
        self._failures.check(address)
        self._failures.add(address)
        logger.warning("%s has shown a token that is not valid", address)
        detail = "This token is not valid. Show one whose line is in this service's token file."
        raise ProblemError(401, "invalid-token", "The token is not valid", detail, headers=_CHALLENGE)

    def session(self, conn: HTTPConnection) -> Session | None:
        """The session of a request's cookie; one that has ended is none. A token comes before a cookie."""
        cookie = conn.cookies.get(COOKIE)
        return None if cookie is None or "authorization" in conn.headers else self.sessions.find(cookie)

    def authorize(self, request: Request, scope: Scope) -> None:
        """Lets go on who has a scope.

        Raises:
            ProblemError: 401 or 403.
        """
        caller: Caller = request.user
        if not caller.known:
            raise self._nobody()
        if scope not in caller.scopes:
            raise ProblemError(
                403,
                "missing-scope",
                "The token does not allow this",
                f"This needs the scope {scope}, which the token {caller.name} does not have. Use one that has it.",
                scope=scope,
            )
        if request.method not in SAFE_METHODS:
            self.check_csrf(request)

    def check_csrf(self, request: Request) -> None:
        """Lets go on who did not come by a cookie alone, which a browser sends unasked.

        Raises:
            ProblemError: 403.
        """
        session = self.session(request)
        if session is None or session.knows(request.headers.get(CSRF_HEADER)):
            return
        detail = f"A request by cookie has to repeat the session's csrf_token in {CSRF_HEADER}. GET /session tells it."
        raise ProblemError(403, "csrf", "The CSRF token is missing or wrong", detail)

    def _nobody(self) -> ProblemError:
        if self.tokens:
            detail = "Send a token in the header Authorization: Bearer …, or log in on the page."
        else:
            detail = (
                "You do not come from this machine itself, or through a proxy, and no token exists. Make one with "
                f"`celery-otel-api token` and set {variable('token_file')}."
            )
        return ProblemError(401, "token-needed", "A token is needed", detail, headers=_CHALLENGE)


def refused(conn: HTTPConnection, error: AuthenticationError) -> Response:
    """The answer to a caller who showed something that is not valid."""
    assert isinstance(error, RefusedError)  # noqa: S101  # what the backend raises
    return problem_response(conn, error.problem)


def is_local(conn: HTTPConnection) -> bool:
    """Whether a request came to a loopback address, and not through a proxy, which would pass on anyone's."""
    server = conn.scope.get("server")
    if server is None or any(name in conn.headers for name in _PROXY_HEADERS):
        return False
    return is_loopback(server[0])


def _refuse_to_be_open(settings: ApiSettings, tokens: Tokens) -> None:
    """Ends the start unless it is clear who may use the service."""
    anyone = f"{option('allow_anyone')} ({variable('allow_anyone')})"
    if settings.allow_anyone and tokens:
        raise ConfigurationError(f"There are tokens, but {anyone} would make them needless: take one of both away.")
    if tokens or settings.allow_anyone or is_loopback(settings.host):
        return
    raise ConfigurationError(
        f"{option('host')} ({variable('host')}) is {settings.host!r}, which others can reach, and there are no tokens. "
        f"Make one with `celery-otel-api token` and name its file by {option('token_file')} "
        f"({variable('token_file')}), or let everyone do everything by {anyone}."
    )
