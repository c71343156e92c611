"""Lines that anybody can cause, who needs no token for it, are logged once a minute each."""

import logging
import time
from collections.abc import Callable

INTERVAL = 60.0
"""At most one line of a kind in as many seconds."""
KINDS = frozenset({"Invalid HTTP request received.", "Unsupported upgrade request."})
"""What uvicorn says of connections that speak no HTTP, or not the one that is spoken here; one kind each."""


class SeldomLines(logging.Filter):
    """Keeps lines back that were logged within the last minute.

    Args:
        monotonic: Gives seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._next: dict[str, float] = {}
        self._silent: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is logged; it says how many before it were not."""
        kind = str(record.msg)
        if kind not in KINDS:
            return True
        now = self._monotonic()
        if now < self._next.get(kind, now):
            self._silent[kind] = self._silent.get(kind, 0) + 1
            return False
        self._next[kind] = now + INTERVAL
        if silent := self._silent.pop(kind, 0):
            record.msg = f"{kind} ({silent} more like it were not logged)"
        return True
