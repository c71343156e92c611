"""Remembers which attempts ended lately, so that a second start of one is noticed."""

from collections import deque

from celery_otel.core.attempt import Identity


class EndedAttempts(set[int]):
    """The hashes of the identities of the last attempts that ended.

    Of 64 bits, so that two are never mistaken for each other; and not the identities themselves: whatever a worker
    keeps of each task spreads over more memory what it allocates for the next ones, and slows all of its own work.

    Args:
        size: How many are remembered.
    """

    def __init__(self, size: int = 10_000) -> None:
        super().__init__()
        self._size = size
        self._order: deque[int] = deque()

    def remember(self, identity: Identity) -> None:
        """Remembers an attempt as ended, and forgets the oldest."""
        number = hash(identity)
        if number in self:
            return
        self.add(number)
        self._order.append(number)
        if len(self._order) > self._size:
            self.discard(self._order.popleft())
