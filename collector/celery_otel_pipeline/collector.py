"""The OpenTelemetry Collector, run with the repository's own configuration."""

from pathlib import Path

from celery_otel_pipeline.fetching import is_reachable
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.repository import COLLECTOR_CONFIGURATION
from celery_otel_pipeline.server import Server
from celery_otel_pipeline.tools import tool_path


class Collector(Server):
    """A collector whose ports alone differ from `otel-collector.yaml`.

    Args:
        directory: Where the log goes.
        metric_expiration: How long a series lives that nobody sends, as in "5s"; by default as configured.
    """

    def __init__(self, directory: Path, *, metric_expiration: str | None = None) -> None:
        self._grpc, self._http = free_port(), free_port()
        self._metrics, self._health, self._telemetry = free_port(), free_port(), free_port()
        env = self._environment()
        if metric_expiration is not None:
            env["CELERY_OTEL_COLLECTOR_METRIC_EXPIRATION"] = metric_expiration
        argv = [str(tool_path("otelcol")), "--config", str(COLLECTOR_CONFIGURATION)]
        super().__init__(Process("collector", argv, directory=directory, env=env))

    @property
    def otlp_http_endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT with the protocol http/protobuf."""
        return f"http://{LOOPBACK}:{self._http}"

    @property
    def otlp_grpc_endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT with the protocol grpc."""
        return f"http://{LOOPBACK}:{self._grpc}"

    @property
    def metrics_target(self) -> str:
        """Host and port where Prometheus scrapes the workers' series."""
        return f"{LOOPBACK}:{self._metrics}"

    @property
    def metrics_url(self) -> str:
        """The page that Prometheus scrapes."""
        return f"http://{self.metrics_target}/metrics"

    @property
    def telemetry_target(self) -> str:
        """Host and port where Prometheus scrapes the collector's own series."""
        return f"{LOOPBACK}:{self._telemetry}"

    @property
    def health_url(self) -> str:
        """Answers 200 while the collector works."""
        return f"http://{LOOPBACK}:{self._health}/"

    def answers(self) -> bool:
        """Whether the collector is up; its receivers are, when its health check says so."""
        return is_reachable(self.health_url)

    def _environment(self) -> dict[str, str]:
        return {
            "CELERY_OTEL_COLLECTOR_GRPC_ENDPOINT": f"{LOOPBACK}:{self._grpc}",
            "CELERY_OTEL_COLLECTOR_HTTP_ENDPOINT": f"{LOOPBACK}:{self._http}",
            "CELERY_OTEL_COLLECTOR_PROMETHEUS_ENDPOINT": self.metrics_target,
            "CELERY_OTEL_COLLECTOR_HEALTH_ENDPOINT": f"{LOOPBACK}:{self._health}",
            "CELERY_OTEL_COLLECTOR_TELEMETRY_HOST": LOOPBACK,
            "CELERY_OTEL_COLLECTOR_TELEMETRY_PORT": str(self._telemetry),
        }
