"""Who asks, and what they may do."""

from dataclasses import dataclass

from starlette.authentication import BaseUser

from celery_otel_api.operation import Scope


@dataclass(frozen=True, slots=True)
class Caller(BaseUser):
    """The caller of a request: `request.user`.

    Attributes:
        name: The name of their token, for the log; `anyone` where none is needed.
        scopes: What they may do.
        known: Whether they have shown a token, or need none.
    """

    name: str
    scopes: frozenset[Scope]
    known: bool = True

    @property
    def is_authenticated(self) -> bool:
        """Whether they have shown a token, or need none."""
        return self.known

    @property
    def display_name(self) -> str:
        """Their name."""
        return self.name

    @property
    def identity(self) -> str:
        """Their name."""
        return self.name


ANYONE = Caller("anyone", frozenset(Scope))
"""The caller where nobody needs a token."""

NOBODY = Caller("nobody", frozenset(), known=False)
"""A caller without a token where one is needed."""
