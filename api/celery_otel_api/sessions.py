"""Sessions of the page: a browser shows its token once and keeps a cookie that scripts cannot read.

They live in memory: a restart of the service ends them all.
"""

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from celery_otel_api.caller import Caller
from celery_otel_api.tokens import digest_of

LIFETIME = 8 * 3600.0
"""Seconds after which a session ends."""

MOST = 100
"""Sessions of one token's name at a time; one more ends its oldest, and nobody else's."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session.

    Attributes:
        caller: Who it is.
        csrf_token: What requests that change something have to repeat: another site cannot know it.
        ends_at: Its end, in Unix seconds.
    """

    caller: Caller
    csrf_token: str
    ends_at: float

    def knows(self, csrf_token: str | None) -> bool:
        """Whether this is the session's CSRF token."""
        return csrf_token is not None and hmac.compare_digest(digest_of(csrf_token), digest_of(self.csrf_token))


class Sessions:
    """All sessions, by the hash of their cookie. For one event loop.

    Args:
        wall: Gives the Unix time.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._sessions: dict[str, Session] = {}

    def begin(self, caller: Caller) -> tuple[str, Session]:
        """A new session and its cookie."""
        self._forget(caller.name)
        cookie = secrets.token_urlsafe(32)
        session = Session(caller, secrets.token_urlsafe(32), self._wall() + LIFETIME)
        self._sessions[digest_of(cookie)] = session
        return cookie, session

    def find(self, cookie: str) -> Session | None:
        """The session of a cookie, if it has not ended."""
        session = self._sessions.get(digest_of(cookie))
        return session if session is not None and self._wall() < session.ends_at else None

    def end(self, cookie: str) -> None:
        """Ends the session of a cookie, if there is one."""
        self._sessions.pop(digest_of(cookie), None)

    def _forget(self, name: str) -> None:
        now = self._wall()
        self._sessions = {key: session for key, session in self._sessions.items() if now < session.ends_at}
        # The first is the oldest.
        theirs = [key for key, session in self._sessions.items() if session.caller.name == name]
        for key in theirs[: max(0, len(theirs) - MOST + 1)]:
            del self._sessions[key]
