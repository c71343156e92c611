"""Waiting for something to become true, with a deadline and a message."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class DeadlineError(AssertionError):
    """What was waited for did not happen in time."""


def wait_until(
    condition: Callable[[], T],
    *,
    deadline: float,
    message: str | Callable[[], str],
    interval: float = 0.1,
) -> T:
    """Return the first truthy value of the condition.

    Args:
        condition: Asked again and again. What it raises ends the waiting and is passed on.
        deadline: Seconds from now. The condition is asked at least once, and once more at the deadline.
        message: What was waited for; a callable is asked at the deadline, so it can say how far things came.
        interval: Seconds between two questions.

    Raises:
        DeadlineError: The condition was not true by then.
    """
    end = time.monotonic() + deadline
    while True:
        last_chance = time.monotonic() >= end
        value = condition()
        if value:
            return value
        if last_chance:
            raise DeadlineError(f"After {deadline:g} s: {message() if callable(message) else message}")
        time.sleep(min(interval, max(0.0, end - time.monotonic())))
