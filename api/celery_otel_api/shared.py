"""Something slow that many ask for at once: it is made once for all of them, in a thread."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Makes a thing for all who wait for it. For one event loop.

    Args:
        make: Makes it; it may block, and it ends by itself.
        max_age: Seconds for which one that was made is given out again.
        now: The monotonic time.
    """

    def __init__(self, make: Callable[[], T], max_age: float, now: Callable[[], float] = monotonic) -> None:
        self._make = make
        self._max_age = max_age
        self._now = now
        self._latest: asyncio.Task[T] | None = None
        self._ended = float("-inf")

    async def get(self) -> T:
        """The thing: the one that is being made, or a new one unless the last is young enough.

        Raises:
            Exception: Whatever making it raised, for all who wait, and for as long as a thing would have been kept.
        """
        if self._latest is None or (self._latest.done() and self._now() - self._ended >= self._max_age):
            self._latest = asyncio.create_task(self._made())
        # One of those who wait may be cancelled; the others go on waiting.
        return await asyncio.shield(self._latest)

    async def _made(self) -> T:
        try:
            return await asyncio.to_thread(self._make)
        finally:
            self._ended = self._now()
