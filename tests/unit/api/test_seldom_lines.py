"""What anybody can make the service log is logged once a minute."""

import logging

from celery_otel.seldom import INTERVAL
from celery_otel_api.seldom_lines import KINDS, SeldomLines


def _record(text: str) -> logging.LogRecord:
    return logging.LogRecord("uvicorn.error", logging.WARNING, __file__, 1, text, None, None)


def test_a_line_comes_once_a_minute_with_the_number_of_the_others() -> None:
    """Each kind by itself; other lines always come."""
    now = [0.0]
    lines = SeldomLines(lambda: now[0])
    first, second = sorted(KINDS)
    assert [True, False, False, True] == [lines.filter(_record(text)) for text in (first, first, first, second)]
    assert [True, True] == [lines.filter(_record("Started server process [%d]")) for _ in range(2)]
    now[0] = INTERVAL
    record = _record(first)
    assert lines.filter(record)
    assert f"{first} (2 more like it were not logged)" == record.getMessage()
