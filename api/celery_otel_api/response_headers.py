"""What every response tells the browser not to do with it."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROTECTION = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Headers of every response that does not set them itself, as a page does with its own policy."""


_RAW = tuple((name.lower().encode(), value.encode()) for name, value in PROTECTION.items())


class ProtectionMiddleware:
    """Adds the headers to every response, also to those of other middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _protected(message.get("headers", ()))
            await send(message)

        await self._app(scope, receive, protected)


def _protected(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    own = list(headers)
    named = {name.lower() for name, _ in own}
    return own + [header for header in _RAW if header[0] not in named]
