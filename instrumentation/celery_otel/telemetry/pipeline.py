"""The pipeline of one worker: what the settings ask for, opened after the first fork and closed within a bound."""

from collections.abc import Callable
from functools import partial
from time import monotonic

from celery_otel.core.births import KnownBirths
from celery_otel.failures import FailureLog
from celery_otel.metric import Readings
from celery_otel.settings import Settings
from celery_otel.telemetry.export_loop import ExportLoop
from celery_otel.telemetry.exporters import preload, push_exporters
from celery_otel.telemetry.producer import MetricProducer
from celery_otel.telemetry.resource import worker_resource
from celery_otel.version import VERSION


class MetricsPipeline:
    """Carries the readings of a worker to the exporters of the settings.

    Args:
        settings: The options.
        app_name: The name of the Celery application.
        log: Where failures are logged.
        worker: The worker's name.
        read: Gives every series of the moment.
        failed: Called with the exporter's name for each export that fails.
        births: The beginnings of series that a worker before has exported.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # a pipeline between these
        self,
        settings: Settings,
        app_name: str,
        log: FailureLog,
        worker: str,
        read: Callable[[], Readings],
        failed: Callable[[str], None],
        births: KnownBirths | None = None,
    ) -> None:
        preload(settings)
        producer = MetricProducer(read, worker_resource(settings, app_name, worker), VERSION, births=births)
        self._loop: ExportLoop | None = None
        self._server = None
        if {"otlp", "console"} & set(settings.exporters):
            exporters = partial(push_exporters, settings)
            self._loop = ExportLoop(producer, exporters, settings.interval, failed, log, births)
        if "prometheus" in settings.exporters:
            # Only here: it loads an HTTP server that no other exporter needs.
            from celery_otel.telemetry.scrape import ScrapeServer  # noqa: PLC0415

            produce = producer.produce if self._loop is not None else producer.export
            self._server = ScrapeServer(produce, settings.prometheus_host, settings.prometheus_port, failed, log)

    def start(self) -> None:
        """Begins to export and to serve; a second call does nothing."""
        if self._loop is not None:
            self._loop.start()
        if self._server is not None:
            self._server.start()

    def close(self, timeout: float) -> bool:
        """Exports a last time, for so many seconds at most, and ends.

        Returns:
            Whether everybody has all of it: nobody knows what a scrape has missed.
        """
        deadline = monotonic() + timeout
        if self._server is not None:
            self._server.close()
        taken = self._loop is not None and self._loop.close(max(0.0, deadline - monotonic()))
        return taken and self._server is None
