"""Who may use a Flower: what its options come to, and why it must not be started so."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from celery_otel.loopback import is_loopback

NO_LOGIN = (
    "Flower would let everyone in who reaches {address}: it shows arguments and results of tasks. Put user:password "
    "into a file that only you can read and give --basic-auth-file, or set FLOWER_BASIC_AUTH, or set up OAuth "
    "(FLOWER_AUTH, FLOWER_AUTH_PROVIDER, FLOWER_OAUTH2_KEY, _SECRET and _REDIRECT_URI). On "
    "--address=127.0.0.1 no login is needed."
)
NO_EMAILS = (
    "FLOWER_AUTH_PROVIDER alone lets everyone in, without any login. Set FLOWER_AUTH too: the emails that may log in, "
    "such as me@example.com|you@example.com."
)
INCOMPLETE = "OAuth is not complete, and nobody could log in. Set {missing} too."
BAD_PAIR = (
    "A basic auth entry cannot be used: each is user:password, both not empty, of ASCII characters and without a "
    "comma. Flower cannot compare others."
)


@dataclass(frozen=True, slots=True)
class Access:
    """What of Flower's options decides about access.

    Attributes:
        address: Where it listens; empty for every address.
        unix_socket: A socket file instead of that; empty for none.
        basic_auth: Pairs user:password.
        auth: The emails that may log in by OAuth, as Flower writes them; empty for no OAuth.
        oauth: What OAuth needs, by its variable.
        tls: Whether it has a certificate.
        open_api: Whether commands are taken from whoever did not log in.
    """

    address: str
    unix_socket: str = ""
    basic_auth: tuple[str, ...] = ()
    auth: str = ""
    oauth: tuple[tuple[str, str], ...] = ()
    tls: bool = False
    open_api: bool = False

    @classmethod
    def of(cls, options: Any, environ: Mapping[str, str] = os.environ) -> "Access":
        """That of Flower's options, once they are read."""
        names = ("auth_provider", "oauth2_key", "oauth2_secret", "oauth2_redirect_uri")
        return cls(
            address=options.address or "",
            unix_socket=options.unix_socket or "",
            basic_auth=tuple(options.basic_auth or ()),
            auth=options.auth or "",
            oauth=tuple((f"FLOWER_{name.upper()}", getattr(options, name) or "") for name in names),
            tls=bool(options.certfile),
            open_api=environ.get("FLOWER_UNAUTHENTICATED_API", "").lower() in {"y", "yes", "t", "true", "on", "1"},
        )

    @property
    def has_login(self) -> bool:
        """Whether anyone has to log in."""
        return bool(self.basic_auth or self.auth)

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return bool(self.unix_socket) or is_loopback(self.address)


def problem(access: Access) -> str:
    """Why Flower must not be started so, and what to do; empty if it may."""
    return next(_problems(access), "")


def _problems(access: Access) -> Iterator[str]:
    oauth = dict(access.oauth)
    if not all(map(_usable, access.basic_auth)):
        yield BAD_PAIR
    if access.auth and (missing := [name for name, value in oauth.items() if not value]):
        yield INCOMPLETE.format(missing=", ".join(missing))
    if oauth.get("FLOWER_AUTH_PROVIDER") and not access.auth:
        yield NO_EMAILS
    if not access.has_login and not access.is_local:
        yield NO_LOGIN.format(address=access.address or "any address of this machine")


def _usable(pair: str) -> bool:
    user, colon, password = pair.partition(":")
    return bool(user and colon and password) and pair.isascii()
