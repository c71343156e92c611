"""Remembers which attempts ended lately, so that a second start of one is noticed."""

from collections import OrderedDict

from celery_otel.core.attempt import Identity


class EndedAttempts(OrderedDict[Identity, None]):
    """The identities of the last attempts that ended. The oldest is forgotten first.

    Ordered by itself, since a plain dictionary would look for its oldest among all that it has forgotten.

    Args:
        size: How many are remembered.
    """

    def __init__(self, size: int = 10_000) -> None:
        super().__init__()
        self._size = size

    def add(self, identity: Identity) -> None:
        """Remembers an attempt as ended."""
        self[identity] = None
        if len(self) > self._size:
            self.popitem(last=False)
