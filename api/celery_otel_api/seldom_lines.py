"""Lines that anybody can cause, who needs no token for it, are logged once a minute each."""

import logging
import time
from collections.abc import Callable

from celery_otel.seldom import Seldom

KINDS = frozenset({"Invalid HTTP request received.", "Unsupported upgrade request."})
"""What uvicorn says of connections that speak no HTTP, or not the one that is spoken here; one kind each."""


class SeldomLines(logging.Filter):
    """Keeps lines back that were logged within the last minute.

    Args:
        monotonic: Gives seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seldom = Seldom(monotonic)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is logged; it says how many before it were not."""
        kind = str(record.msg)
        if kind not in KINDS:
            return True
        more = self._seldom.due(kind)
        if more is None:
            return False
        record.msg = f"{kind}{more}"
        return True
