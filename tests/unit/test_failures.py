"""Our own failures are logged once a minute and counted each time."""

import logging

import pytest

from celery_otel.core.clock import Clock
from celery_otel.failures import FailureLog, HookFailures


def test_a_kind_of_failure_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """Within a minute only the first is logged; the next line says how many were not."""
    now = [0.0]
    log = FailureLog(Clock(monotonic=lambda: now[0]))
    for second in (0.0, 1.0, 59.9, 60.0):
        now[0] = second
        log.tell("export", "it failed")
    log.tell("other", "another kind")
    assert ["it failed", "it failed (2 more like it were not logged)", "another kind"] == caplog.messages


def test_a_hooks_exception_is_counted_and_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """An exception of a hook ends here: as a count and a line."""
    counted: list[str] = []
    HookFailures(counted.append, FailureLog()).take("started", ValueError("ours"))
    assert ["started"] == counted
    (record,) = caplog.records
    assert logging.WARNING == record.levelno
    assert record.exc_info is not None
    assert "ours" == str(record.exc_info[1])
