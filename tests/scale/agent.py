"""An agent: the collector beside workers that knows the gateways."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from celery_otel_pipeline.fetching import is_reachable
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.repository import AGENT_CONFIGURATION
from celery_otel_pipeline.server import Server
from celery_otel_pipeline.tools import tool_path
from tests.scale.names import Names

_PREFIX = "CELERY_OTEL_COLLECTOR_"


class Agent(Server):
    """An agent that runs `collector/scale/agent.yaml`.

    Args:
        name: Tells it from the others.
        directory: Where its log and the spans that wait for a gateway go.
        names: Who knows the gateways' addresses.
        port: Where every gateway receives OTLP/gRPC.
        configurations: Files that are merged into the main one, in this order.
    """

    def __init__(
        self, name: str, directory: Path, names: Names, port: int, *, configurations: Sequence[Path] = ()
    ) -> None:
        self._http, self._health, self._telemetry = free_port(), free_port(), free_port()
        env = {
            "TRIAL_NAME": name,
            "GATEWAYS": names.name,
            "GATEWAY_PORT": str(port),
            "RESOLVE_INTERVAL": "1s",
            "QUEUE_DIRECTORY": str(directory / f"{name}-queue"),
            **self._places(),
        }
        argv = [
            str(tool_path("otelcol-scale")),
            *(f"--config={file}" for file in (AGENT_CONFIGURATION, *configurations)),
        ]
        prefixed = _prefixed(env)
        super().__init__(Process(name, names.seen_by(argv), directory=directory, env=prefixed))

    @property
    def otlp_http_endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT with the protocol http/protobuf."""
        return f"http://{LOOPBACK}:{self._http}"

    @property
    def telemetry_target(self) -> str:
        """Host and port where Prometheus would scrape the agent's own series."""
        return f"{LOOPBACK}:{self._telemetry}"

    def answers(self) -> bool:
        """Whether the agent is up."""
        return is_reachable(f"http://{LOOPBACK}:{self._health}/")

    def _places(self) -> dict[str, str]:
        return {
            "GRPC_ENDPOINT": f"{LOOPBACK}:{free_port()}",
            "HTTP_ENDPOINT": f"{LOOPBACK}:{self._http}",
            "HEALTH_ENDPOINT": f"{LOOPBACK}:{self._health}",
            "TELEMETRY_HOST": LOOPBACK,
            "TELEMETRY_PORT": str(self._telemetry),
        }


def _prefixed(settings: Mapping[str, str]) -> dict[str, str]:
    # The names are looked up by Go itself, in the file alone: whatever else this machine asks is left out.
    return {"GODEBUG": "netdns=go", **{_PREFIX + name: value for name, value in settings.items()}}
