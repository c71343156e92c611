"""Keeps the newest of what is slow to find out: it is never asked for twice at once, nor more often than allowed."""

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Keeper(Generic[T]):
    """Keeps the newest value, for one event loop.

    Args:
        take: Finds it out; it may block, and runs in a thread.
        nothing: What stands for it until it was found out once.
        interval: Seconds between two of them, at least.
        deadline: Seconds that anybody waits for one.
        monotonic: The time.
    """

    def __init__(
        self,
        take: Callable[[], T],
        nothing: T,
        *,
        interval: float,
        deadline: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._take = take
        self._interval = interval
        self._deadline = deadline
        self._monotonic = monotonic
        self._latest = nothing
        self._begun = self._ended = float("-inf")
        self._flight: asyncio.Task[None] | None = None

    @property
    def latest(self) -> T:
        """The newest there is, without asking for another; for any thread."""
        return self._latest

    @property
    def age(self) -> float:
        """Seconds since the newest was complete; infinite before the first."""
        return self._monotonic() - self._ended

    async def get(self, *, fresh: bool = False, at_once: bool = False, within: float | None = None) -> T:
        """The newest value.

        Args:
            fresh: One that was begun after this call, or at most half an interval before it.
            at_once: One that is complete for less than two intervals is good enough: who asks does not wait for the
                next, which is begun all the same. Fresh wins.
            within: Seconds to wait for it, if that is less than the deadline.

        Returns:
            The newest there is after the deadline at the latest, however old: `age` tells.

        Raises:
            Exception: What finding it out has raised.
        """
        since = self._monotonic() - (self._interval / 2 if fresh else self._interval)
        if at_once and not fresh and self.age < 2 * self._interval:
            self._begin_after(since)
            return self._latest
        limit = asyncio.timeout(self._deadline if within is None else max(0.0, min(within, self._deadline)))
        try:
            async with limit:
                await self._begun_after(since)
        except TimeoutError:
            if not limit.expired():
                raise
        return self._latest

    async def _begun_after(self, since: float) -> None:
        # One that is under way may have begun too early: then the next one is waited for.
        while self._begun <= since:
            await asyncio.shield(self._under_way())

    def _begin_after(self, since: float) -> None:
        """Begins the next one, if it is time for it; what it raises is told to who waits for one."""
        if self._begun <= since:
            self._under_way().add_done_callback(_seen)

    def _under_way(self) -> "asyncio.Task[None]":
        if self._flight is None:
            self._flight = asyncio.create_task(self._fly(self._monotonic()))
        return self._flight

    async def _fly(self, begun: float) -> None:
        try:
            self._latest = await asyncio.to_thread(self._take)
            self._begun, self._ended = begun, self._monotonic()
        finally:
            self._flight = None

    async def close(self) -> None:
        """Waits for one that is being found out."""
        if self._flight is not None:
            await asyncio.wait([self._flight], timeout=self._deadline)


def _seen(flight: "asyncio.Task[None]") -> None:
    # asyncio logs an exception that nobody has asked for.
    if not flight.cancelled():
        flight.exception()
