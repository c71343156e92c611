"""What a request must be before anybody looks at it: meant for this service, from its own page, and small."""

import asyncio
import time
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from celery_otel.loopback import is_loopback
from celery_otel_api.problems import MEDIA_TYPE, ProblemError, known_problem, problem_response
from celery_otel_api.security import SAFE_METHODS
from celery_otel_api.settings import ApiSettings

MOST_BODY = 16 * 1024
"""Bytes of a request's body; the only one there is is a token."""

BODY_SECONDS = 10.0
"""Seconds in which a body has to be here."""


def allowed_hosts(settings: ApiSettings) -> list[str]:
    """The names by which this service may be asked, as the Host header writes them."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return [host, "localhost", "127.0.0.1", "[::1]", *settings.allowed_hosts]


class HostMiddleware(TrustedHostMiddleware):
    """Refuses other names than our own, against DNS rebinding.

    Where others can reach us anyway, we may also be asked for by number: only a name can be rebound.

    Args:
        app: What comes next.
        settings: The options.
    """

    def __init__(self, app: ASGIApp, settings: ApiSettings) -> None:
        super().__init__(app, allowed_hosts(settings), www_redirect=False)
        self._numbers = not is_loopback(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if self._numbers and scope["type"] == "http" and _is_number(Headers(scope=scope).get("host", "")):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _is_number(host: str) -> bool:
    try:
        ip_address(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
    return True


class OriginMiddleware:
    """Refuses requests of other sites' pages that would change something.

    Args:
        app: What comes next.
        hosts: Names of ours, beside the one in the Host header.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or self._is_ours(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        detail = "A page of another site asked for this. Only this service's own page may; programs send no Origin."
        problem = ProblemError(403, "cross-site", "The request comes from another site", detail)
        await problem_response(Request(scope), problem)(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None:
            # What a browser says itself, where it sends no Origin; a program says neither.
            return headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
        try:
            parts = urlsplit(origin.lower())
            port = parts.port
        except ValueError:
            return False
        place = parts.hostname or ""
        named = f"[{place}]" if ":" in place else place
        with_port = named if port in {None, 80, 443} else f"{named}:{port}"
        return with_port == _without_usual_port(headers.get("host", "").lower()) or named in self._hosts


def _without_usual_port(host: str) -> str:
    return host.removesuffix(":80").removesuffix(":443")


class BodyDeadlineMiddleware:
    """Ends requests whose body does not come.

    Args:
        app: What comes next.
        seconds: Until it has to be here.
    """

    def __init__(self, app: ASGIApp, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        await self._app(scope, _Body(receive, time.monotonic() + self._seconds), send)


class _Body:
    """Receives a body until a deadline; what comes behind it, the end of the connection, may take its time."""

    def __init__(self, receive: Receive, deadline: float) -> None:
        self._receive = receive
        self._deadline = deadline
        self._whole = False

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), self._deadline - time.monotonic())
        except TimeoutError:
            detail = "The request's body did not arrive in time. Send it again."
            raise ProblemError(408, "request-too-slow", "The request took too long", detail) from None
        self._whole = not message.get("more_body", False)
        return message


class PlainErrorMiddleware:
    """Says as problem+json what other middleware refuses in plain text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Rewritten(scope, receive, send))


class _Rewritten:
    """Sends a response on, or a problem in its place."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._replaced = False

    async def __call__(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] != "http.response.start" or not _is_plain_error(message):
            await self._send(message)
            return
        self._replaced = True
        response = problem_response(Request(self._scope), known_problem(message["status"]))
        await response(self._scope, self._receive, self._send)


def _is_plain_error(message: Message) -> bool:
    kind = Headers(raw=list(message.get("headers", ()))).get("content-type", "")
    return message["status"] >= 400 and kind.startswith("text/plain") and not kind.startswith(MEDIA_TYPE)  # noqa: PLR2004  # where errors begin
