"""Stores that gateways write to: a cluster of VictoriaMetrics, and a Prometheus that receives."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
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


class _Part(Server):
    """One program of the cluster."""

    def __init__(self, name: str, tool: str, directory: Path, arguments: Sequence[str]) -> None:
        self.http = f"{LOOPBACK}:{free_port()}"
        argv = [str(tool_path(tool)), f"-httpListenAddr={self.http}", *arguments]
        super().__init__(Process(name, argv, directory=directory))

    def answers(self) -> bool:
        """Whether it is up."""
        return is_reachable(f"http://{self.http}/health")


class VictoriaMetrics(Store):
    """A cluster: one that takes writes, one that answers, and two that store, each a share of the series.

    Args:
        directory: Where data and logs go.
    """

    title = "a cluster of VictoriaMetrics (two vmstorage)"

    def __init__(self, directory: Path) -> None:
        writes = [f"{LOOPBACK}:{free_port()}" for _ in range(2)]
        reads = [f"{LOOPBACK}:{free_port()}" for _ in range(2)]
        self._storages = [
            _Part(f"vmstorage-{number}", "vmstorage", directory, _stored(directory, number, write, read))
            for number, (write, read) in enumerate(zip(writes, reads, strict=True), 1)
        ]
        self._insert = _Part("vminsert", "vminsert", directory, [f"-storageNode={','.join(writes)}"])
        # What was written a moment ago is answered for, too.
        arguments = [f"-storageNode={','.join(reads)}", "-search.latencyOffset=0s", "-search.disableCache"]
        self._select = _Part("vmselect", "vmselect", directory, [*arguments, f"-cacheDataPath={directory / 'cache'}"])
        self._running = ExitStack()

    @property
    def url(self) -> str:
        """The address under which it answers as Prometheus does."""
        return f"http://{self._select.http}/select/0/prometheus"

    @property
    def write_url(self) -> str:
        """Where gateways write."""
        return f"http://{self._insert.http}/insert/0/prometheus/api/v1/write"

    def start(self) -> None:
        """Start all parts and return once they answer."""
        with ExitStack() as starting:
            for part in (*self._storages, self._insert, self._select):
                starting.enter_context(part)
            self._running = starting.pop_all()

    def stop(self) -> None:
        """End all parts."""
        self._running.close()


def _stored(directory: Path, number: int, write: str, read: str) -> list[str]:
    return [
        f"-storageDataPath={directory / f'data-{number}'}",
        f"-vminsertAddr={write}",
        f"-vmselectAddr={read}",
        "-retentionPeriod=1d",
    ]


STORES = {"victoriametrics": VictoriaMetrics, "prometheus": ReceivingPrometheus}
