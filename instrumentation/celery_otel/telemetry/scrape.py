"""Serves `/metrics` from the worker itself, for those who scrape workers without a collector."""

from collections.abc import Callable
from typing import Any

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics.export import MetricsData
from prometheus_client import CollectorRegistry, start_http_server

from celery_otel.failures import FailureLog


class ScrapeReader(PrometheusMetricReader):
    """OpenTelemetry's Prometheus reader, fed by our producer instead of instruments.

    Args:
        produce: Gives the metrics of the moment.
        registry: Where the series are served from.
        target_info: Whether the resource is served, too, as `target_info`.
    """

    def __init__(
        self, produce: Callable[[], MetricsData], registry: CollectorRegistry, *, target_info: bool = True
    ) -> None:
        self._produce = produce
        super().__init__(disable_target_info=not target_info, scope_info_enabled=False, registry=registry)

    def collect(self, timeout_millis: float = 10_000) -> None:  # type: ignore[misc]  # final in the SDK, which has no producers
        """Takes the metrics of the moment; called by each scrape."""
        self._receive_metrics(self._produce(), timeout_millis)


class ScrapeServer:
    """An HTTP server for Prometheus.

    Args:
        produce: Gives the metrics of the moment.
        host: Where it listens.
        port: And on which port.
        failed: Called with the exporter's name if it cannot listen.
        log: Where that is logged.
    """

    def __init__(
        self,
        produce: Callable[[], MetricsData],
        host: str,
        port: int,
        failed: Callable[[str], None],
        log: FailureLog,
    ) -> None:
        self._produce = produce
        self._address = (host, port)
        self._failed = failed
        self._log = log
        self._reader: ScrapeReader | None = None
        self._server: Any = None
        self._thread: Any = None

    def start(self) -> None:
        """Starts to listen; a port that is taken is said and costs the worker nothing else."""
        if self._reader is not None:
            return
        host, port = self._address
        registry = CollectorRegistry()
        self._reader = ScrapeReader(self._produce, registry)
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError as error:
            self._failed("prometheus")
            self._log.tell(
                "prometheus",
                f"celery-otel cannot serve /metrics on {host}:{port}: {error}. Give each worker of this machine its "
                "own OTEL_EXPORTER_PROMETHEUS_PORT, or let them export to one collector (OTEL_METRICS_EXPORTER=otlp).",
            )

    def close(self) -> None:
        """Stops to listen."""
        if self._reader is not None:
            self._reader.shutdown()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
        self._reader = self._server = self._thread = None
