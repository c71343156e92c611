"""Remembers which attempts ended lately, so that a second start of one is noticed."""

from celery_otel.core.attempt import Identity


class EndedAttempts:
    """The identities of the last `size` attempts that ended. The oldest is forgotten first.

    Args:
        size: How many are remembered.
    """

    def __init__(self, size: int = 10_000) -> None:
        self._size = size
        self._identities: dict[Identity, None] = {}

    def add(self, identity: Identity) -> None:
        """Remembers an attempt as ended."""
        self._identities[identity] = None
        if len(self._identities) > self._size:
            del self._identities[next(iter(self._identities))]

    def __contains__(self, identity: Identity) -> bool:
        return identity in self._identities
