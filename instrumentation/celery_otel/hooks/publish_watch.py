"""Whether a call has published its message by the time that an error or the end of the process breaks it off."""

import threading
from contextlib import AbstractContextManager
from typing import Any

from celery import signals

from celery_otel.hooks.installed import connected


class PublishWatch:
    """Sees whether a publish of a task returns, on the thread that began to look last."""

    def __init__(self) -> None:
        self._thread: int | None = None
        self._task: object = None
        self._published = False

    @property
    def published(self) -> bool:
        """Whether one has returned since."""
        return self._published

    def connected(self) -> AbstractContextManager[None]:
        """While this is entered, it sees."""
        return connected(signals.after_task_publish, self._on_published)

    def begin(self, task: object) -> None:
        """The calling thread begins to look.

        Args:
            task: The task's name. Others may be published on the way: by what is told that a schedule is saved, say.
        """
        self._thread, self._task, self._published = threading.get_ident(), task, False

    def _on_published(self, sender: Any = None, **_: Any) -> None:
        # A beat that is embedded may be a thread of a worker, whose others publish, too.
        if sender == self._task and threading.get_ident() == self._thread:
            self._published = True
