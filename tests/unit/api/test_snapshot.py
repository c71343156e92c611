"""One snapshot for all who ask."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from celery_otel.inspection import HeldTask, WorkerAnswer
from celery_otel_api.fleet import Member, Presence
from celery_otel_api.snapshot import Snapshot, SnapshotKeeper


class Survey:
    """Counts how often it was taken; each waits until it may end."""

    def __init__(self) -> None:
        self.taken = 0
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self) -> Snapshot:
        """Takes one."""
        self.taken += 1
        number = self.taken
        self.begun.set()
        self.may_end.wait(10)
        return Snapshot(float(number), broker_connected=True)


class Time:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def keeper(survey: Callable[[], Snapshot], time: Time, deadline: float = 10.0) -> SnapshotKeeper:
    """A keeper that asks every 2 s at most."""
    return SnapshotKeeper(survey, interval=2.0, deadline=deadline, monotonic=time)


def test_many_at_once_share_one() -> None:
    """100 requests at the same time cause one survey, and all get what it found."""
    survey = Survey()
    kept = keeper(survey, Time())

    async def ask() -> set[float]:
        return {snapshot.taken_at for snapshot in await asyncio.gather(*(kept.get() for _ in range(100)))}

    assert {1.0} == asyncio.run(ask())
    assert 1 == survey.taken


def test_the_workers_are_not_asked_more_often_than_allowed() -> None:
    """Within the interval the same snapshot is given, after it a new one; a fresh one after half of it."""
    survey, time = Survey(), Time()
    kept = keeper(survey, time)

    async def ask() -> list[float]:
        found = [(await kept.get()).taken_at]
        for step, fresh in ((0.9, True), (0.1, False), (0.0, True), (1.9, False), (0.1, False)):
            time.now += step
            found.append((await kept.get(fresh=fresh)).taken_at)
        return found

    assert [1.0, 1.0, 1.0, 2.0, 2.0, 3.0] == asyncio.run(ask())


def test_nobody_waits_longer_than_the_deadline() -> None:
    """While a survey hangs, the last snapshot is given with its age, and nobody starts a second one."""
    survey, time = Survey(), Time()
    kept = keeper(survey, time, deadline=0.05)

    async def ask() -> tuple[float, float]:
        async with asyncio.timeout(20):
            while not (await kept.get()).taken_at:
                pass
        time.now += 5
        survey.begun.clear()
        survey.may_end.clear()
        late = [await kept.get(), await kept.get(fresh=True)]
        assert await asyncio.to_thread(survey.begun.wait, 20)
        survey.may_end.set()
        await kept.close()
        return late[0].taken_at, late[1].taken_at

    assert (1.0, 1.0) == asyncio.run(ask())
    assert 2 == survey.taken


def test_before_the_first_answer_nothing_is_claimed() -> None:
    """A snapshot that could not be taken in time says that nobody has been asked yet."""
    survey = Survey()
    survey.may_end.clear()
    kept = keeper(survey, Time(), deadline=0.05)

    async def ask() -> Snapshot:
        found = await kept.get()
        survey.may_end.set()
        await kept.close()
        return found

    found = asyncio.run(ask())
    assert (False, "The workers have not been asked yet.") == (found.broker_connected, found.reason)


def test_a_survey_that_fails_is_told_and_tried_again() -> None:
    """An error of our own reaches who asked, and the next request asks again."""
    calls: list[int] = []

    def survey() -> Snapshot:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("broken on purpose")
        return Snapshot(2.0, broker_connected=True)

    kept = keeper(survey, Time())

    async def ask() -> Snapshot:
        with pytest.raises(RuntimeError, match="on purpose"):
            await kept.get()
        return await kept.get()

    assert 2.0 == asyncio.run(ask()).taken_at


def test_tasks_have_an_order_that_stays() -> None:
    """Tasks of all workers that answered are in one order, whatever order they were told in."""

    def task(worker: str, number: int) -> HeldTask:
        return HeldTask(worker, f"id-{number}", "shop.order", "active", time_start=10.0 - number)

    def member(name: str, *numbers: int, presence: Presence = Presence.ONLINE) -> Member:
        answer = WorkerAnswer(name, instrumented=True, tasks=tuple(task(name, number) for number in numbers))
        return Member(name, presence, None, answer)

    members = (member("w2", 1, 2), member("w1", 4, 3), member("w3", 9, presence=Presence.OFFLINE))
    snapshot = Snapshot(0.0, broker_connected=True, members=members)
    assert ["id-4", "id-3", "id-2", "id-1"] == [held.task_id for held in snapshot.tasks]
    assert ["w3"] == snapshot.named(Presence.OFFLINE)
