"""An exporter of spans that says once a minute what it could not export, whatever the one inside it logs."""

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from celery_otel.failures import FailureLog
from celery_otel.telemetry.exporter_lines import ExporterLines


class QuietExporter(SpanExporter):
    """Exports by another exporter.

    Args:
        name: Its name in the settings.
        exporter: The one that does the work.
        log: Where failures are logged.
    """

    def __init__(self, name: str, exporter: SpanExporter, log: FailureLog) -> None:
        self._name = name
        self._exporter = exporter
        self._log = log
        self._lines = ExporterLines()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Exports a batch; a failure is logged once a minute."""
        self._lines.reason = ""
        with self._lines.taken():
            result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._log.tell(
                "spans",
                f"celery-otel could not export {len(spans)} spans by {self._name}: "
                f"{self._lines.reason or 'the exporter gave up.'} They are lost. Is the collector up, and is the "
                "endpoint right?",
            )
        return result

    def shutdown(self) -> None:
        """Ends, and wakes an export that waits for its next try."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits here."""
        return self._exporter.force_flush(timeout_millis)
