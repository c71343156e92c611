"""What is expensive is asked once for all."""

import asyncio
import threading

from celery_otel_api.single_flight import Kept, SingleFlight


class Question:
    """Counts how often it is asked, and answers when its gate is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        self.gate.wait(10)
        return self.asked


def test_many_who_ask_at_once_are_one_question() -> None:
    """A hundred callers share one question, and its answer is kept for the interval."""
    question = Question()
    question.gate.set()
    now = [100.0]

    async def all_of_them() -> list[Kept[int] | None]:
        flight = SingleFlight(question, interval=2.0, deadline=5.0, monotonic=lambda: now[0])
        found = await asyncio.gather(*(flight.get() for _ in range(100)))
        now[0] = 101.5
        found.append(await flight.get())
        now[0] = 102.0
        return [*found, await flight.get()]

    found = asyncio.run(all_of_them())
    assert [Kept(1, 0.0)] * 100 + [Kept(1, 1.5), Kept(2, 0.0)] == found


def test_nobody_waits_for_ever() -> None:
    """Without an answer in time there is none, and the question goes on for those who ask later."""
    question = Question()

    async def twice() -> tuple[Kept[int] | None, Kept[int] | None]:
        flight = SingleFlight(question, interval=2.0, deadline=0.01)
        early = await flight.get()
        question.gate.set()
        late = None
        while late is None:
            late = await flight.get()
        return early, late

    early, late = asyncio.run(twice())
    assert early is None
    assert late is not None
    assert 1 == late.value == question.asked
