"""A thread of our own that exports at an interval and a last time at the end.

The SDK's periodic reader is not used in a worker's MAIN: it comes back to life in every child forked later, which would
then export all that MAIN had counted under an identity of its own.
"""

import threading
from collections.abc import Callable, Mapping

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

from celery_otel.failures import FailureLog
from celery_otel.telemetry.exporter_lines import ExporterLines

THREAD_NAME = "celery-otel-export"
_KEPT = "Nothing is lost while the worker lives: the next export carries the totals."
LOST = "What was counted since the last successful export is lost."
ON_DISK = "The next worker of this name goes on from what was counted: it is in CELERY_OTEL_STATE_DIRECTORY."


class ExportLoop:
    """Exports at an interval, on a thread that no child inherits.

    Args:
        produce: Gives the metrics of the moment.
        build: Builds the exporters, by name; called on the thread, and once more for the last export.
        interval: Seconds between two exports.
        failed: Called with the exporter's name for each export that fails.
        log: Where failures are logged.
        at_the_end: Says what becomes of the counts when the last export has failed.
    """

    def __init__(
        self,
        produce: Callable[[], MetricsData],
        build: Callable[[], Mapping[str, MetricExporter]],
        interval: float,
        failed: Callable[[str], None],
        log: FailureLog,
        at_the_end: Callable[[], str] = lambda: LOST,
    ) -> None:
        self._produce = produce
        self._build = build
        self._interval = interval
        self._failed = failed
        self._log = log
        self._at_the_end = at_the_end
        self._exporters: Mapping[str, MetricExporter] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lines = ExporterLines()
        self._delivered = False

    def start(self) -> None:
        """Starts the thread, which exports at once: the first zeros are on their way before the first task is."""
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
        self._thread.start()

    def close(self, timeout: float) -> bool:
        """Exports a last time and ends the thread.

        Args:
            timeout: How many seconds that may take; an export that takes longer is given up, and said.

        Returns:
            Whether every exporter has taken the last export.
        """
        if self._thread is None:
            return False
        # Those of now: once told to stop, the thread makes others for the last export.
        exporters = self._exporters
        self._stopping.set()
        # This wakes one that waits for its next try: the collector may be back by now.
        self._shut_down(exporters)
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._tell(
                f"celery-otel gave up its last export after {timeout:.1f} s: the collector did not answer. "
                f"{self._at_the_end()}"
            )
            return False
        return self._delivered

    def _run(self) -> None:
        with self._lines.taken():
            if not self._open():
                return
            while not self._stopping.is_set():
                self._export()
                self._stopping.wait(self._interval)
            if self._open():
                self._delivered = self._export(last=True)
                self._shut_down(self._exporters)

    def _open(self) -> bool:
        try:
            self._exporters = self._build()
        except Exception as error:  # noqa: BLE001  # whatever an exporter raises, the worker goes on
            self._failed("otlp")
            self._tell("celery-otel exports nothing: an exporter could not be built.", error)
            return False
        return True

    def _export(self, *, last: bool = False) -> bool:
        """Exports to everyone; whether all took it."""
        taken = True
        for name, exporter in self._exporters.items():
            error = self._try(exporter)
            taken = taken and error is None
            if error is None or (self._stopping.is_set() and not last):
                continue
            self._failed(name)
            self._tell(
                f"celery-otel could not export its metrics by {name}: {error} {self._at_the_end() if last else _KEPT} "
                "Is the collector up, and is the endpoint right?"
            )
        return taken

    def _try(self, exporter: MetricExporter) -> str | None:
        self._lines.reason = ""
        try:
            result = exporter.export(self._produce())
        except Exception as error:  # noqa: BLE001  # whatever an exporter raises, the worker goes on
            return f"{type(error).__name__}: {error}."
        return None if result is MetricExportResult.SUCCESS else self._lines.reason or "the exporter gave up."

    def _shut_down(self, exporters: Mapping[str, MetricExporter]) -> None:
        for exporter in exporters.values():
            try:
                exporter.shutdown()
            except Exception as error:  # noqa: BLE001  # whatever an exporter raises, the worker goes on
                self._tell("celery-otel could not close an exporter.", error)

    def _tell(self, message: str, error: Exception | None = None) -> None:
        # One kind for all of them: an export that fails is one line a minute, to the end.
        self._log.tell("export", message, error)
