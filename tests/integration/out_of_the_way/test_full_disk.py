"""A disk that is full takes no log line, and the worker goes on."""

from tests.integration.out_of_the_way.conftest import Disturb
from tests.integration.out_of_the_way.endpoints import Refusing


def test_a_full_disk_for_logs_changes_nothing(disturb: Disturb, bare_stop: float) -> None:
    """With every write of the log failing for lack of space, tasks succeed and the failed exports are counted."""
    with Refusing() as collector:
        # The kernel's own full disk: each write to it fails with ENOSPC.
        disturbed = disturb("--logfile=/dev/full", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        disturbed.worker.process.start()
        disturbed.wait_until_serving()
        assert [2 * number for number in range(20)] == disturbed.run(20)
        disturbed.wait_for(2, "celery_otel_export_failures_total", exporter="otlp")
        # A result is there before the worker has counted it.
        disturbed.wait_for(20, "celery_task_total", status="success")
        assert 20 == disturbed.counter("celery_task_total", status="success")
        disturbed.stop_within(bare_stop)
        # What reached standard output is Celery's banner: no line of the log found room anywhere.
        assert [] == disturbed.lines
        assert "ready." not in disturbed.worker.log
