"""Celery's remote control with answers that a test has written, and a time that passes as it says."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from celery import Celery
from celery.app.control import Control

Reply = dict[str, Any]


class Time:
    """A time that stands still until somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Lets it pass."""
        self.now += seconds


def scripted_app(answers: Callable[[str], Iterable[Reply]]) -> tuple[Celery, list[str]]:
    """An application whose workers answer to a command what a function gives, and the commands that were sent."""
    sent: list[str] = []

    class Scripted(Control):
        def broadcast(self, command: str, *_: Any, callback: Any = None, **__: Any) -> list[Reply]:
            sent.append(command)
            replies = list(answers(command))
            # As kombu ends its wait.
            with suppress(TimeoutError):
                for reply in replies if callback else ():
                    callback(reply)
            return replies

    return Celery("unit", broker="memory://", control=Scripted, set_as_current=False), sent
