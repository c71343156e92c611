"""The OpenTelemetry Collector, run with the repository's own configuration."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from celery_otel_pipeline.fetching import is_reachable
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.repository import COLLECTOR_CONFIGURATION
from celery_otel_pipeline.server import Server
from celery_otel_pipeline.tools import tool_path

_PREFIX = "CELERY_OTEL_COLLECTOR_"


class Collector(Server):
    """A collector whose ports and places alone differ from `otel-collector.yaml`, unless told otherwise.

    Args:
        directory: Where the log and, in `queue`, the spans that wait for Jaeger go.
        metric_expiration: How long a series lives that nobody sends, as in "5s"; by default as configured.
        jaeger: Host and port where Jaeger receives OTLP/gRPC; by default one where nobody listens.
        decision_wait: How long spans wait for the rest of their trace, as in "1s"; by default as configured.
        settings: Other variables from the head of `otel-collector.yaml`, without `CELERY_OTEL_COLLECTOR_`.
        configurations: Files that are merged into the main one, in this order.
        tool: The program, as `tool_path` knows it.
    """

    def __init__(  # noqa: PLR0913 - what may differ between collectors
        self,
        directory: Path,
        *,
        metric_expiration: str | None = None,
        jaeger: str | None = None,
        decision_wait: str | None = None,
        settings: Mapping[str, str] | None = None,
        configurations: Sequence[Path] = (),
        tool: str = "otelcol",
    ) -> None:
        self._grpc, self._http, self._health = free_port(), free_port(), free_port()
        self._metrics, self._span_metrics, self._telemetry = free_port(), free_port(), free_port()
        self._queue = directory / "queue"
        given = {
            "JAEGER_ENDPOINT": jaeger or f"{LOOPBACK}:{free_port()}",
            "METRIC_EXPIRATION": metric_expiration,
            "DECISION_WAIT": decision_wait,
            **(settings or {}),
        }
        chosen = {name: value for name, value in given.items() if value is not None}
        env = {_PREFIX + name: value for name, value in {**self._places(), **chosen}.items()}
        files = [f"--config={file}" for file in (COLLECTOR_CONFIGURATION, *configurations)]
        super().__init__(Process("collector", [str(tool_path(tool)), *files], directory=directory, env=env))

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
    def span_metrics_target(self) -> str:
        """Host and port where Prometheus scrapes what was counted from spans."""
        return f"{LOOPBACK}:{self._span_metrics}"

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

    def _places(self) -> dict[str, str]:
        return {
            "GRPC_ENDPOINT": f"{LOOPBACK}:{self._grpc}",
            "HTTP_ENDPOINT": f"{LOOPBACK}:{self._http}",
            "PROMETHEUS_ENDPOINT": self.metrics_target,
            "SPAN_METRICS_ENDPOINT": self.span_metrics_target,
            "HEALTH_ENDPOINT": f"{LOOPBACK}:{self._health}",
            "TELEMETRY_HOST": LOOPBACK,
            "TELEMETRY_PORT": str(self._telemetry),
            "QUEUE_DIRECTORY": str(self._queue),
        }
