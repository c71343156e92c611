"""What is read out of a worker's log."""

import pytest

from tests.acceptance.ledger.plan import count, ran
from tests.chaos.testimony import RECEIVED, plan_of, told_by

IDENTITY = "0123abcd-0000-4000-8000-0123456789ab"


def line(said: str, task: str = "ledger.success", process: str = "MainProcess") -> str:
    """A line as Celery writes it."""
    return f"[2026-11-26 06:30:01,250: INFO/{process}] Task {task}[{IDENTITY}] {said}\n"


@pytest.mark.parametrize(
    ("said", "what", "detail"),
    [
        ("received", RECEIVED, ""),
        ("succeeded in 0.001s: 2", "success", ""),
        ("raised unexpected: ValueError('as planned')", "failure", "ValueError"),
        ("raised expected: ExpectedError('as announced')", "failure", "ExpectedError"),
        ("retry: Retry in 0s: ConnectionError('first time')", "retry", "ConnectionError"),
        ("retry: Retry in 0.2s", "retry", "Retry"),
        ("ignored", "ignored", ""),
        ("reject requeue=False: not this one", "rejected", ""),
    ],
)
def test_a_line_tells_of_a_receipt_or_an_end(said: str, what: str, detail: str) -> None:
    """With the class of the exception, where there is one."""
    told = told_by(line(said, process="ForkPoolWorker-3"))
    assert [(what, detail)] == [(one.what, one.detail) for one in told]


def test_other_lines_tell_nothing() -> None:
    """Tracebacks, other tasks, and what Celery says of itself."""
    log = "Traceback (most recent call last):\n" + line("received", task="celery.ping") + line("revoked")
    assert [] == told_by(log)


def test_lines_become_the_series_of_a_plan() -> None:
    """A receipt and an end are the series of one attempt; a second receipt adds itself alone."""
    told = told_by(line("received") + line("succeeded in 0.1s: 2") + line("received"))
    again = count("celery_task_received_total", task_name="ledger.success")
    assert ran("ledger.success", "q", "success") + again == plan_of(told, "q")
