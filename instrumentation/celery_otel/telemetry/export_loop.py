"""A thread of our own that exports at an interval and a last time at the end.

It begins at once, with what the worker is. What it has counted follows an interval later, unless it goes on from the
worker before: until then the collector shows what that one has left there under the same name, and is scraped.

The SDK's periodic reader is not used in a worker's MAIN: it comes back to life in every child forked later, which would
then export all that MAIN had counted under an identity of its own.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

from celery_otel.core.births import KnownBirths, NoBirths
from celery_otel.failures import FailureLog
from celery_otel.telemetry.exporter_lines import ExporterLines

THREAD_NAME = "celery-otel-export"
_KEPT = "Nothing is lost while the worker lives: the next export carries the totals."
LOST = "What was counted since the last successful export is lost."
_UNDER_WAY = 0.25
"""Seconds from zeros to counts: a scrape under way when the zeros come should not see the counts, whose series would
then have begun after it. A page of the collector that takes longer may; the last export does not wait."""
ON_DISK = "The next worker of this name goes on from what was counted: it is in CELERY_OTEL_STATE_DIRECTORY."

Errors = dict[str, str | None]
"""What went wrong, by exporter; None where nothing did."""


class Source(Protocol):
    """Gives what is to be exported."""

    def introduction(self) -> MetricsData:
        """The first export: it takes the place of nothing that was counted before."""

    def exports(self, pause: Callable[[], object]) -> Iterable[MetricsData]:
        """This moment's exports; asked for the next one only when the one before was taken.

        Args:
            pause: To be called where they must not follow each other at once.
        """

    def export(self) -> MetricsData:
        """The last export, in one."""


class ExportLoop:
    """Exports at an interval, on a thread that no child inherits.

    Args:
        source: Gives what is to be exported.
        build: Builds the exporters, by name; called on the thread, and once more for the last export. The first one's
            word counts: others are there to be looked at.
        interval: Seconds between two exports.
        failed: Called with the exporter's name for each export that fails.
        log: Where failures are logged.
        births: Whether counts go on from those of a worker before, and the next one's from these.
    """

    def __init__(
        self,
        source: Source,
        build: Callable[[], Mapping[str, MetricExporter]],
        interval: float,
        failed: Callable[[str], None],
        log: FailureLog,
        births: KnownBirths | None = None,
    ) -> None:
        self._source = source
        self._build = build
        self._interval = interval
        self._failed = failed
        self._log = log
        self._births = births or NoBirths()
        self._exporters: Mapping[str, MetricExporter] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lines = ExporterLines()
        self._delivered = False

    def start(self) -> None:
        """Starts the thread, which exports at once: a collector that is not there is said early."""
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
                f"{self._at_the_end}"
            )
            return False
        return self._delivered

    def _run(self) -> None:
        with self._lines.taken():
            if not self._open():
                return
            if not self._stopping.is_set():
                self._export(self._current if self._births.goes_on else self._introduction)
            while not self._stopping.wait(self._interval):
                self._export(self._current)
            if self._open():
                self._delivered = self._export(self._final, last=True)
                self._shut_down(self._exporters)

    def _open(self) -> bool:
        try:
            self._exporters = self._build()
        except Exception as error:  # noqa: BLE001  # whatever an exporter raises, the worker goes on
            self._failed("otlp")
            self._tell("celery-otel exports nothing: an exporter could not be built.", error)
            return False
        return True

    def _introduction(self) -> Iterable[MetricsData]:
        return (self._source.introduction(),)

    def _current(self) -> Iterable[MetricsData]:
        return self._source.exports(self._pause)

    def _final(self) -> Iterable[MetricsData]:
        return (self._source.export(),)

    def _export(self, moment: Callable[[], Iterable[MetricsData]], *, last: bool = False) -> bool:
        """Exports to everyone; whether all took it."""
        errors = {name: error for name, error in self._errors(moment).items() if error is not None}
        if self._stopping.is_set() and not last:
            return not errors
        for name, error in errors.items():
            self._failed(name)
            self._tell(
                f"celery-otel could not export its metrics by {name}: {error} {self._at_the_end if last else _KEPT} "
                "Is the collector up, and is the endpoint right?"
            )
        return not errors

    def _errors(self, moment: Callable[[], Iterable[MetricsData]]) -> Errors:
        """What became of this moment's export."""
        errors: Errors = {}
        try:
            for data in moment():
                errors = {name: self._try(exporter, data) for name, exporter in self._exporters.items()}
                if next(iter(errors.values()), None) is not None:
                    break
        except Exception as error:  # noqa: BLE001  # whatever a reading raises, the worker goes on
            return dict.fromkeys(self._exporters, f"{type(error).__name__}: {error}.")
        return errors

    def _pause(self) -> None:
        self._stopping.wait(_UNDER_WAY)

    def _try(self, exporter: MetricExporter, data: MetricsData) -> str | None:
        self._lines.reason = ""
        try:
            result = exporter.export(data)
        except Exception as error:  # noqa: BLE001  # whatever an exporter raises, the worker goes on
            return f"{type(error).__name__}: {error}."
        return None if result is MetricExportResult.SUCCESS else self._lines.reason or "the exporter gave up."

    @property
    def _at_the_end(self) -> str:
        """What becomes of the counts when the last export has failed."""
        return ON_DISK if self._births.kept else LOST

    def _shut_down(self, exporters: Mapping[str, MetricExporter]) -> None:
        for exporter in exporters.values():
            try:
                exporter.shutdown()
            except Exception as error:  # noqa: BLE001  # whatever an exporter raises, the worker goes on
                self._tell("celery-otel could not close an exporter.", error)

    def _tell(self, message: str, error: Exception | None = None) -> None:
        # One kind for all of them: an export that fails is one line a minute, to the end.
        self._log.tell("export", message, error)
