"""The keys of those who may ask: 256 random bits each, of which this service keeps only the hash."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from celery_otel_api.errors import ConfigurationError
from celery_otel_api.operation import Scope
from celery_otel_api.settings import ApiSettings, option, variable

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FORM = (
    "A token's line is name:scopes:hash, such as grafana:read+metrics:<64 hexadecimal digits>. "
    "`celery-otel-api token` makes one."
)


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token.

    Attributes:
        name: Whose it is, for the log.
        scopes: What it allows.
        digest: The SHA-256 of the token, in hexadecimal digits.
    """

    name: str
    scopes: frozenset[Scope]
    digest: str

    @property
    def line(self) -> str:
        """Its line in a token file."""
        return f"{self.name}:{'+'.join(sorted(self.scopes))}:{self.digest}"


class Tokens:
    """All tokens that are valid."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._tokens = tuple(tokens)

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def find(self, secret: str) -> Token | None:
        """The token that this is; it takes as long for a wrong one as for a right one."""
        digest = digest_of(secret)
        found = [token for token in self._tokens if hmac.compare_digest(token.digest, digest)]
        return found[0] if found else None


def digest_of(secret: str) -> str:
    """The hash of a token: it needs no salt and no slowness, since nobody can guess 256 random bits."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def new_token(name: str, scopes: Iterable[Scope]) -> tuple[str, Token]:
    """A new secret, and what is to be kept of it.

    Raises:
        ConfigurationError: The name cannot be used.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"--name cannot be {name!r}: it is up to 64 letters, digits and . _ @ -")
    secret = secrets.token_urlsafe(32)
    return secret, Token(name, frozenset(scopes), digest_of(secret))


def read_tokens(settings: ApiSettings) -> Tokens:
    """The tokens of the file and of the variable.

    Raises:
        ConfigurationError: The file cannot be read or has none, or a line cannot be used.
    """
    of_variable = settings.tokens.get_secret_value().split(",")
    tokens = list(_parsed(of_variable, f"{option('tokens')} ({variable('tokens')})"))
    if settings.token_file:
        tokens += _of_file(settings.token_file)
    return Tokens(tokens)


def _of_file(path: str) -> list[Token]:
    where = f"{option('token_file')} ({variable('token_file')})"
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{where}: {path!r} cannot be read: {error}.") from None
    tokens = list(_parsed(lines, f"{where} {path!r}"))
    # An empty file is a mistake, and must not mean that everyone may do everything.
    if not tokens:
        raise ConfigurationError(f"{where}: {path!r} has no token. {_FORM}")
    return tokens


def _parsed(lines: Iterable[str], where: str) -> Iterator[Token]:
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield _token(text, f"{where}, entry {number}")


def _token(text: str, where: str) -> Token:
    parts = text.split(":")
    # The line is not repeated: somebody may have written the token itself into it.
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]) or not _DIGEST.fullmatch(parts[2].lower()):  # noqa: PLR2004  # as _FORM says
        raise ConfigurationError(f"{where} is not a token's line. {_FORM}")
    try:
        scopes = frozenset(Scope(scope.strip()) for scope in parts[1].split("+"))
    except ValueError:
        valid = ", ".join(Scope)
        raise ConfigurationError(
            f"{where} names a scope that does not exist. Scopes are {valid}, joined by +."
        ) from None
    return Token(parts[0], scopes, parts[2].lower())
