"""What a worker tells of itself is bounded, and starts anew when its clock was set back."""

from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.worker import state as celery_state

from celery_otel.core.attempt import Attempt
from celery_otel.core.clock import Clock
from celery_otel.core.counts import Counts
from celery_otel.core.ledger import Ledger
from celery_otel.core.outcome import SUCCESS
from celery_otel.hooks.worker_report import LONGEST, MOST, WorkerReport

NOW = 1000.0
CLOCK = Clock(wall=lambda: NOW, monotonic=lambda: NOW)


class Request:
    """A request as Celery keeps it, with arguments of a great length."""

    id, name, argsrepr, kwargsrepr = "t", "shop.order", "x" * 5000, "y" * 5000
    time_start = eta = worker_pid = delivery_info = None

    def __init__(self) -> None:
        self.request_dict: dict[str, Any] = {}


@pytest.fixture
def report() -> WorkerReport:
    """The report of a worker in which one attempt has ended just now."""
    ledger = Ledger(Counts((1.0,), 10), worker="w@a", clock=CLOCK)
    attempt = Attempt.described("shop.order", "celery", ("t", "0", "0"), NOW)
    ledger.receive(attempt, Request())
    ledger.start(attempt, NOW)
    ledger.end(attempt, SUCCESS, 0.0)
    worker = SimpleNamespace(
        hostname="w@a", app=Celery("shop", set_as_current=False), pool_cls=Celery, pool=None, consumer=None
    )
    return WorkerReport(worker, ledger, CLOCK)


@pytest.mark.parametrize(("since", "expected"), [(0.0, 1), (NOW - 1, 1), (NOW, 0), (NOW + 3600, 1)])
def test_what_has_ended_since_then_is_told(report: WorkerReport, since: float, expected: int) -> None:
    """A time that has not come yet is of the clock before it was set back: all is told anew."""
    assert expected == len(report({"since": {"w@a": since}})["ended"])


def test_many_tasks_are_counted_and_some_are_told(report: WorkerReport, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report stays small, and its counts are right all the same."""
    requests = [Request() for _ in range(MOST + 5)]
    monkeypatch.setattr(celery_state, "active_requests", requests)
    found = report({})
    assert (1000, 256) == (MOST, LONGEST)
    assert (MOST, MOST + 5) == (len(found["active"]), found["counts"]["active"])
    assert {LONGEST} == {len(task[key]) for task in found["active"] for key in ("args", "kwargs")}
