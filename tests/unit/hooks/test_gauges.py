"""MAIN's heart: its timer beats it, except in a solo worker that runs a task, which is alive while it does."""

from types import SimpleNamespace

import pytest

from celery_otel import names
from celery_otel.core.clock import Clock
from celery_otel.hooks.gauges import SOLO, WorkerGauges


@pytest.mark.parametrize(
    ("pool", "running", "expected"),
    [(SOLO, 1, 20.0), (SOLO, 0, 10.0), ("celery.concurrency.prefork", 1, 10.0)],
)
def test_when_the_heart_beat_last(pool: str, running: int, expected: float) -> None:
    """A busy solo worker's heart beats at the export, any other's when the timer ran."""
    now = 10.0
    worker = SimpleNamespace(pool_cls=SimpleNamespace(__module__=pool), pool=SimpleNamespace(num_processes=1))
    gauges = WorkerGauges(worker, "a@b", Clock(lambda: now, lambda: now), lambda: running)
    gauges.beat()
    now = 20.0
    assert {("a@b",): expected} == gauges.read()[names.WORKER_HEARTBEAT_TIMESTAMP]


def test_a_heart_that_never_beat_is_not_there() -> None:
    """Before the consumer's first connection there is no time to tell, not even of a busy solo worker."""
    worker = SimpleNamespace(pool_cls=SimpleNamespace(__module__=SOLO))
    assert names.WORKER_HEARTBEAT_TIMESTAMP not in WorkerGauges(worker, "a@b", running=lambda: 1).read()
