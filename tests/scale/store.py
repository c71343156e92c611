"""Stores that gateways write to: VictoriaMetrics, and a Prometheus that receives."""

from abc import ABC, abstractmethod
from pathlib import Path

from celery_otel_pipeline.fetching import is_reachable
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.prometheus import PrometheusServer
from celery_otel_pipeline.promql import PromqlApi
from celery_otel_pipeline.server import Server
from celery_otel_pipeline.tools import tool_path


class Store(PromqlApi, ABC):
    """What takes remote write and answers PromQL."""

    #: How the tables name it.
    title: str

    @property
    @abstractmethod
    def write_url(self) -> str:
        """Where gateways write."""

    @abstractmethod
    def start(self) -> None:
        """Start it and return once it answers."""

    @abstractmethod
    def stop(self) -> None:
        """End it."""


class ReceivingPrometheus(Store):
    """One Prometheus with its remote-write receiver on, which scrapes nothing.

    Args:
        directory: Where data and log go.
    """

    title = "one Prometheus"

    def __init__(self, directory: Path) -> None:
        self._server = PrometheusServer(directory, targets={}, arguments=["--web.enable-remote-write-receiver"])

    @property
    def url(self) -> str:
        """The server's address."""
        return self._server.url

    @property
    def write_url(self) -> str:
        """Where gateways write."""
        return f"{self.url}/api/v1/write"

    def start(self) -> None:
        """Start it and return once it answers."""
        self._server.start()

    def stop(self) -> None:
        """End it."""
        self._server.stop()


class _Single(Server):
    """The one program, with what the cluster's programs do."""

    def __init__(self, directory: Path) -> None:
        self.http = f"{LOOPBACK}:{free_port()}"
        argv = [
            str(tool_path("victoria-metrics")),
            f"-httpListenAddr={self.http}",
            f"-storageDataPath={directory / 'data'}",
            "-retentionPeriod=1d",
            # What was written a moment ago is answered for, too.
            "-search.latencyOffset=0s",
            "-search.disableCache",
        ]
        super().__init__(Process("victoria-metrics", argv, directory=directory))

    def answers(self) -> bool:
        """Whether it is up."""
        return is_reachable(f"http://{self.http}/health")


class VictoriaMetrics(Store):
    """VictoriaMetrics on one node.

    Its cluster's programs are not to be had as a Go module; they take the same writes and answer the same questions.

    Args:
        directory: Where data and logs go.
    """

    title = "VictoriaMetrics (one node)"

    def __init__(self, directory: Path) -> None:
        self._server = _Single(directory)

    @property
    def url(self) -> str:
        """The address under which it answers as Prometheus does."""
        return f"http://{self._server.http}/prometheus"

    @property
    def write_url(self) -> str:
        """Where gateways write."""
        return f"http://{self._server.http}/api/v1/write"

    def start(self) -> None:
        """Start it and return once it answers."""
        self._server.start()

    def stop(self) -> None:
        """End it."""
        self._server.stop()


#: What the command line calls them.
STORES: dict[str, type[VictoriaMetrics | ReceivingPrometheus]] = {
    "victoriametrics": VictoriaMetrics,
    "prometheus": ReceivingPrometheus,
}
