"""One line of a kind a minute: which comes, and what it says of those that did not."""

import threading
import time
from collections.abc import Callable

INTERVAL = 60.0
"""At most one line of a kind in as many seconds."""


class Seldom:
    """Lets one line of each kind through in a minute.

    Args:
        monotonic: Gives seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        # Reentrant: a signal handler that has something to say, too, may interrupt its own thread here.
        self._lock = threading.RLock()
        self._next: dict[str, float] = {}
        self._silent: dict[str, int] = {}

    def due(self, kind: str) -> str | None:
        """Whether a line of a kind comes now.

        Args:
            kind: What it is about; every kind has its own minute.

        Returns:
            What is to be added to the line: how many like it did not come since the last; None if it does not come.
        """
        now = self._monotonic()
        with self._lock:
            if now < self._next.get(kind, now):
                self._silent[kind] = self._silent.get(kind, 0) + 1
                return None
            self._next[kind] = now + INTERVAL
            silent = self._silent.pop(kind, 0)
        return f" ({silent} more like it were not logged)" if silent else ""
