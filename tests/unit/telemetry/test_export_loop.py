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
    assert not loop.close(10)
    first, last = caplog.messages
    assert "Nothing is lost while the worker lives" in first
    assert "What was counted since the last successful export is lost." in last


class Taking(Failing):
    """An exporter that delivers everything."""

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:  # noqa: ARG002  # the SDK's signature
        """Succeeds."""
        return MetricExportResult.SUCCESS


@pytest.mark.parametrize(
    ("delivered", "exporters"),
    [(True, [Taking]), (False, [Taking, Failing]), (False, [Failing, Taking])],
    ids=["all", "not the last", "not the first"],
)
def test_its_end_says_whether_everyone_took_the_last_export(
    delivered: bool,  # noqa: FBT001  # pytest's parameter
    exporters: list[type[Failing]],
) -> None:
    """Only what every exporter has taken is delivered; a loop that never began has delivered nothing."""
    build = lambda: {str(number): kind() for number, kind in enumerate(exporters)}  # noqa: E731  # twice the same
    loop = ExportLoop(lambda: MetricsData([]), build, 3600.0, lambda _: None, FailureLog())
    assert not loop.close(10)
    loop.start()
    assert delivered is loop.close(10)
