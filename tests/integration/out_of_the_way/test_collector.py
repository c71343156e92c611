"""Whatever the collector does, the worker works, stops, and says once what is wrong."""

import pytest

from tests.integration.out_of_the_way.conftest import Disturb
from tests.integration.out_of_the_way.endpoints import Failing, Garbage, Overloaded, Recovering, Refusing, Silent

FAILURES = "celery_otel_export_failures_total"
MEGABYTE = 1_000_000
#: Much less than one export more per failure would be: 500 of them are about 10 MB.
GROWTH = 2 * MEGABYTE


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        (Refusing, "Connection refused"),
        (Silent, "timeout"),
        (Garbage, "BadStatusLine"),
        (Failing, "500"),
        (Overloaded, "Service Unavailable"),
    ],
)
def test_a_collector_in_trouble_is_not_the_workers_trouble(
    endpoint: type[Refusing | Silent | Garbage | Failing | Overloaded], reason: str, disturb: Disturb, bare_stop: float
) -> None:
    """All tasks succeed, failed exports are counted, one line gives the reason, and the end is not held up."""
    with endpoint() as collector, disturb(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as disturbed:
        assert [2 * number for number in range(20)] == disturbed.run(20)
        disturbed.wait_for(1, FAILURES, exporter="otlp")
        # A result is there before the worker has counted it.
        disturbed.wait_for(20, "celery_task_total", status="success")
        assert 20 == disturbed.counter("celery_task_total", status="success")
        disturbed.stop_within(bare_stop)
        (line,) = disturbed.lines
        assert reason in line
        assert "Exception in thread" not in disturbed.worker.log


def test_a_collector_that_is_back_gets_the_last_export(disturb: Disturb, bare_stop: float) -> None:
    """A worker that stops while its exporter waits for the next try does not wait with it: it exports at once."""
    with Recovering() as collector:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_TIMEOUT": "10"}
        with disturb(**env) as disturbed:
            disturbed.run(1)
            assert collector.turned_away.wait(20), "the worker does not export"
            collector.recovered.set()
            disturbed.stop_within(bare_stop)
            # The totals, and the span of the one task.
            assert 2 == collector.accepted
            assert [] == disturbed.lines


def test_failed_exports_leave_nothing_behind_in_memory(disturb: Disturb) -> None:
    """Hundreds of failed exports need no more memory than the first hundred: nothing is queued."""
    env = {"OTEL_METRIC_EXPORT_INTERVAL": "10", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.2"}
    with Refusing() as collector, disturb(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **env) as disturbed:
        disturbed.run(20)
        disturbed.wait_for(100, FAILURES, exporter="otlp")
        before = disturbed.memory
        disturbed.wait_for(600, FAILURES, exporter="otlp")
        assert disturbed.memory < before + GROWTH
