"""Keeps out of the log what OpenTelemetry says of every malformed header of a message; it is said once a minute.

Whoever can send a task writes its headers: one of them with thousands of entries that are none would be thousands of
lines, from MAIN and from the child.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from celery_otel.failures import FailureLog

LOGGERS = (
    "opentelemetry.baggage.propagation",
    "opentelemetry.trace.propagation.tracecontext",
    "opentelemetry.trace.span",
)
"""Those of the standard propagators."""


class _HeaderLines(logging.Filter):
    """Takes what one thread says.

    Args:
        log: Where it is said, without what the header holds.
    """

    def __init__(self, log: FailureLog) -> None:
        super().__init__()
        self._log = log
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is from another thread."""
        if record.thread != self._thread:
            return True
        self._log.tell(
            "header",
            "A message has a header that is no valid trace context or baggage, of which the invalid part is left out. "
            f"Look at who publishes it. OpenTelemetry says: {record.msg}",
        )
        return False


@contextmanager
def header_lines(log: FailureLog) -> Iterator[None]:
    """Takes what the propagators say on the calling thread meanwhile."""
    lines = _HeaderLines(log)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addFilter(lines)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(lines)
