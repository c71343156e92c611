"""Something slow is made once for all who want it."""

import asyncio
from itertools import count

import pytest

from celery_otel_api.shared import Shared


def test_all_who_ask_at_once_get_the_same() -> None:
    """A hundred requests, one call."""
    numbers = count()

    async def ask() -> list[int]:
        shared = Shared(lambda: next(numbers), max_age=0.0)
        return await asyncio.gather(*(shared.get() for _ in range(100)))

    assert {0} == set(asyncio.run(ask()))


def test_a_young_one_is_given_out_again() -> None:
    """It is made anew when it is too old."""
    numbers = count()
    now = 0.0

    async def ask() -> list[int]:
        nonlocal now
        shared = Shared(lambda: next(numbers), max_age=5.0, now=lambda: now)
        found = [await shared.get(), await shared.get()]
        now = 5.0
        return [*found, await shared.get()]

    assert [0, 0, 1] == asyncio.run(ask())


def test_an_error_is_everybodys() -> None:
    """Who waits gets what making it raised."""

    def fail() -> int:
        raise LookupError("nothing there")

    async def ask() -> None:
        await Shared(fail, max_age=0.0).get()

    with pytest.raises(LookupError, match="nothing there"):
        asyncio.run(ask())
