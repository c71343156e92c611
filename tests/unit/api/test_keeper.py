"""What is slow to find out is asked for once for all."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from celery_otel_api.keeper import Keeper


class Source:
    """Counts, and waits where it is told to; with a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0
        self.gate = threading.Event()
        self.gate.set()
        self.numbers: Iterator[int] = count(1)

    def __call__(self) -> int:
        """The next number."""
        assert self.gate.wait(10)
        return next(self.numbers)

    def keeper(self, take: Callable[[], int] | None = None, deadline: float = 5.0) -> Keeper[int]:
        """A keeper of it, with 2 s between two."""
        return Keeper(take or self, 0, interval=2.0, deadline=deadline, monotonic=lambda: self.now)


@pytest.fixture
def source() -> Source:
    """A source."""
    return Source()


def test_all_who_ask_at_once_get_the_same(source: Source) -> None:
    """A hundred requests cause one question."""

    async def scene() -> set[int]:
        keeper = source.keeper()
        return set(await asyncio.gather(*(keeper.get() for _ in range(100))))

    assert {1} == asyncio.run(scene())


def test_it_is_not_asked_again_within_the_interval(source: Source) -> None:
    """What is young enough is given again; half as old is young enough for who wants it fresh."""

    async def scene() -> list[int]:
        keeper = source.keeper()
        found = [await keeper.get()]
        source.now = 0.9
        found += [await keeper.get(), await keeper.get(fresh=True)]
        source.now = 1.5
        found += [await keeper.get(), await keeper.get(fresh=True)]
        source.now = 3.6
        return [*found, await keeper.get()]

    assert [1, 1, 1, 1, 2, 3] == asyncio.run(scene())


def test_who_wants_it_fresh_does_not_get_what_was_begun_long_before(source: Source) -> None:
    """A question under way since then is waited for, and another one after it."""

    async def scene() -> tuple[int, int]:
        keeper = source.keeper()
        source.gate.clear()
        early = asyncio.create_task(keeper.get())
        await asyncio.sleep(0)
        source.now = 1.5
        late = asyncio.create_task(keeper.get(fresh=True))
        await asyncio.sleep(0)
        source.gate.set()
        return await early, await late

    assert (1, 2) == asyncio.run(scene())


def test_nobody_waits_longer_than_the_deadline(source: Source) -> None:
    """Then the newest there is has to do, and its age tells; the question goes on for those who come later."""

    async def scene() -> tuple[int, float, int, float]:
        keeper = source.keeper(deadline=0.01)
        source.gate.clear()
        first, age = await keeper.get(), keeper.age
        source.gate.set()
        async with asyncio.timeout(20):
            while not await keeper.get():
                pass
        await keeper.close()
        return first, age, keeper.latest, keeper.age

    assert (0, float("inf"), 1, 0.0) == asyncio.run(scene())


def test_a_request_may_have_less_time_left(source: Source) -> None:
    """One that has waited for something else before gets what is there."""

    async def scene() -> int:
        keeper = source.keeper()
        source.gate.clear()
        try:
            return await keeper.get(within=0.0)
        finally:
            source.gate.set()

    assert 0 == asyncio.run(scene())


@pytest.mark.parametrize("error", [ValueError("broken"), TimeoutError("broken")])
def test_an_error_reaches_who_asked(source: Source, error: Exception) -> None:
    """It is no answer, and the next one to ask causes another question."""

    def take() -> int:
        number = source()
        if number == 1:
            raise error
        return number

    async def scene() -> int:
        keeper = source.keeper(take)
        with pytest.raises(type(error), match="broken"):
            await keeper.get()
        return await keeper.get()

    assert 2 == asyncio.run(scene())


def test_who_wants_it_at_once_does_not_wait_for_the_next(source: Source) -> None:
    """What is younger than two intervals is given while the next is found out; what is older is not."""

    async def scene() -> list[int]:
        keeper = source.keeper()
        found = [await keeper.get(at_once=True)]
        source.now = 2.5
        source.gate.clear()
        found += [await keeper.get(at_once=True), await keeper.get(at_once=True)]
        source.gate.set()
        found += [await keeper.get(), await keeper.get(at_once=True, fresh=True)]
        source.now = 7.0
        return [*found, await keeper.get(at_once=True)]

    assert [1, 1, 1, 2, 2, 3] == asyncio.run(scene())


def test_a_failure_that_nobody_waits_for_is_told_to_who_does() -> None:
    """The next to wait asks again, and gets the error; until then the last value is given."""
    source, calls = Source(), count(1)

    def once() -> int:
        if (number := next(calls)) > 1:
            raise ValueError(number)
        return number

    async def scene() -> int:
        keeper = source.keeper(once)
        await keeper.get()
        source.now = 3.0
        await keeper.get(at_once=True)
        await keeper.close()
        found = await keeper.get(at_once=True)
        with pytest.raises(ValueError, match=r"3|4"):
            await keeper.get()
        return found

    assert 1 == asyncio.run(scene())
