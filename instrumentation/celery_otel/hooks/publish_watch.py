"""Whether a call has published its message by the time that an error or the end of the process breaks it off."""

import threading
from contextlib import AbstractContextManager
from typing import Any

from celery import signals

from celery_otel.hooks.installed import connected


class PublishWatch:
    """Sees what one thread publishes, the one that began to look last; Celery says so when the broker has taken it."""

    def __init__(self) -> None:
        self._thread: int | None = None
        self._published = False

    @property
    def published(self) -> bool:
        """Whether it has published anything since."""
        return self._published

    def connected(self) -> AbstractContextManager[None]:
        """While this is entered, it sees."""
        return connected(signals.after_task_publish, self._on_published)

    def begin(self) -> None:
        """The calling thread begins to look."""
        self._thread, self._published = threading.get_ident(), False

    def _on_published(self, **_: Any) -> None:
        # A beat that is embedded may be a thread of a worker, whose others publish, too.
        if threading.get_ident() == self._thread:
            self._published = True
