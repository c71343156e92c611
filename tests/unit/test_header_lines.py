"""What OpenTelemetry says of malformed headers is one line of ours a minute, without what they hold."""

import logging
import threading

import pytest
from opentelemetry import propagate
from opentelemetry.context import Context

from celery_otel.failures import FailureLog
from celery_otel.header_lines import LOGGERS, header_lines

SECRET = "hunter2"  # noqa: S105  # what must not be said
HEADERS = {
    "baggage": ",".join([SECRET] * 500),
    "traceparent": f"00-{'1' * 32}-{'2' * 16}-01",
    "tracestate": f"{SECRET} {SECRET}",
}


def test_many_malformed_headers_are_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """However many parts of them are malformed, and however often they come."""
    log = FailureLog()
    for _ in range(3):
        with header_lines(log):
            propagate.extract(HEADERS, Context())
    (line,) = caplog.messages
    assert "A message has a header that is no valid trace context or baggage" in line
    assert SECRET not in line


def test_others_may_say_what_they_like(caplog: pytest.LogCaptureFixture) -> None:
    """On other threads, and afterwards."""
    with header_lines(FailureLog()):
        thread = threading.Thread(target=logging.getLogger(LOGGERS[0]).warning, args=("from another thread",))
        thread.start()
        thread.join()
    logging.getLogger(LOGGERS[0]).warning("afterwards")
    assert ["from another thread", "afterwards"] == caplog.messages
