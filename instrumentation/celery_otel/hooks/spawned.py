"""Notices a child that was not forked from its worker, and gives it what it could not inherit.

A forked child has everything that its worker had installed. One that was spawned imports the application anew, so all
it has is what `instrument` installs in any process; here is what becomes of it when it turns out to be a child.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, Self

from celery import signals

from celery_otel.hooks.installed import connected


class SpawnedChild:
    """Enters what a child needs when this process becomes one, unless a worker was opened in it or before its fork.

    Args:
        parts: Make what is entered then.
    """

    def __init__(self, *parts: Callable[[], AbstractContextManager[Any]]) -> None:
        self._parts = parts
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(connected(signals.worker_process_init, self._become))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Takes it back. To be called, too, where a worker is opened: its children inherit what it installs."""
        self._stack.close()

    def _become(self, **_: Any) -> None:
        for make in self._parts:
            self._stack.enter_context(make())
