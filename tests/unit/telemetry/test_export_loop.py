"""The loop that exports metrics says what a failed export costs."""

import threading
from itertools import count
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

from celery_otel.core.clock import Clock
from celery_otel.failures import FailureLog
from celery_otel.telemetry.export_loop import ExportLoop


class Failing(MetricExporter):
    """An exporter that delivers nothing."""

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:  # noqa: ARG002  # the SDK's signature
        """Fails."""
        return MetricExportResult.FAILURE

    def force_flush(self, timeout_millis: float = 10_000) -> bool:  # noqa: ARG002  # the SDK's signature
        """Nothing waits."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        """Nothing to end."""


def test_only_the_last_export_loses_something(caplog: pytest.LogCaptureFixture) -> None:
    """A failed export is made good by the next one; after the last there is none, and the line says so."""
    minutes = count(step=60)
    failed = threading.Event()
    loop = ExportLoop(
        lambda: MetricsData([]),
        lambda: {"otlp": Failing()},
        3600.0,
        lambda _: failed.set(),
        FailureLog(Clock(monotonic=lambda: float(next(minutes)))),
    )
    loop.start()
    assert failed.wait(10), "it does not export"
    loop.close(10)
    first, last = caplog.messages
    assert "Nothing is lost while the worker lives" in first
    assert "What was counted since the last successful export is lost." in last
