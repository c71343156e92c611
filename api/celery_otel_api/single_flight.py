"""Asks something expensive once for all who want to know: never twice at a time, and not more often than is said."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """What was found, and when.

    Attributes:
        value: What was found.
        age: How long ago that was, in seconds.
    """

    value: T
    age: float


class SingleFlight(Generic[T]):
    """Keeps the newest answer, for one event loop.

    Args:
        question: Asks; it may block.
        interval: Seconds between two questions, at least.
        deadline: Seconds that anybody waits for an answer.
        monotonic: The time.
    """

    def __init__(
        self,
        question: Callable[[], T],
        *,
        interval: float,
        deadline: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._question = question
        self._interval = interval
        self._deadline = deadline
        self._monotonic = monotonic
        self._latest: tuple[T, float] | None = None
        self._flight: asyncio.Task[None] | None = None

    async def get(self) -> Kept[T] | None:
        """The newest answer; None if there is none after the deadline."""
        if self._flight is None and not self._new():
            self._flight = asyncio.create_task(self._fly())
        if self._flight is not None:
            await asyncio.wait([self._flight], timeout=self._deadline)
        return None if self._latest is None else Kept(self._latest[0], self._monotonic() - self._latest[1])

    def _new(self) -> bool:
        return self._latest is not None and self._monotonic() - self._latest[1] < self._interval

    async def _fly(self) -> None:
        try:
            value = await asyncio.to_thread(self._question)
            self._latest = value, self._monotonic()
        finally:
            self._flight = None
