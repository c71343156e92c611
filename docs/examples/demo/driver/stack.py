"""Starts what the demo needs and stops it again: broker, collector, Prometheus and two workers."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.prometheus import PrometheusServer
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker

HERE = Path(__file__).parent.parent
CONCURRENCY = 2
WORKERS = ("worker-1", "worker-2")
JOURNAL = "journal.jsonl"


class Server(Protocol):
    """A child process of the demo."""

    process: Process

    def start(self) -> None:
        """Start it and wait until it serves."""

    def stop(self) -> None:
        """Stop it; nothing if it does not run."""


class StackError(Exception):
    """A server did not start, or ended in the middle: which, the end of its log, and what to do next."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}\n\nMend what it says, then run `make demo` again.")


AnyServer = TypeVar("AnyServer", bound=Server)


@dataclass(frozen=True)
class Stack:
    """The running servers.

    Attributes:
        broker_url: The broker.
        result_backend: The result backend, on the same server.
        journal: File that the tasks write to.
        collector: The collector.
        prometheus: Prometheus.
        workers: The two workers.
        servers: All of them by name, in the order they were started.
    """

    broker_url: str
    result_backend: str
    journal: Path
    collector: Collector
    prometheus: PrometheusServer
    workers: tuple[CeleryWorker, ...]
    servers: dict[str, Server]

    def children(self) -> set[int]:
        """Return the process ids of the workers' pool children."""
        return {pid for worker in self.workers for pid in worker.children}

    def check(self) -> None:
        """Look whether all servers still run.

        Raises:
            StackError: One of them ended.
        """
        for name, server in self.servers.items():
            if not server.process.alive:
                raise StackError(name, f"ended in the middle of the demo.\n{server.process.log_tail}")


@contextmanager
def started(directory: Path, say: Callable[[str], None]) -> Iterator[Stack]:
    """Start all servers, and stop them at the end whatever happens in between.

    Args:
        directory: Where they keep their data and logs.
        say: Is told what is being started.

    Raises:
        StackError: One of them did not start.
    """
    with ExitStack() as stack:
        starter = _Starter(directory, say, stack)
        yield starter.start_all()
        say("stopping everything")


def _stop_together(workers: Sequence[CeleryWorker]) -> None:
    """Stop the workers at the same time: one after the other takes seconds each."""
    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(CeleryWorker.stop, workers))


class _Starter:
    """Starts one server after the other; what was started is stopped in reverse order."""

    def __init__(self, directory: Path, say: Callable[[str], None], stack: ExitStack) -> None:
        self._directory = directory
        self._say = say
        self._stack = stack
        self._servers: dict[str, Server] = {}

    def start_all(self) -> Stack:
        broker = self._start("broker", lambda: RedisServer(self._directory / "broker"))
        collector = self._start("collector", lambda: Collector(self._directory / "collector"))
        prometheus = self._start("Prometheus", lambda: self._prometheus(collector))
        backend = f"{broker.url.rpartition('/')[0]}/1"
        journal = self._directory / JOURNAL
        environment = self._environment(broker.url, backend, journal, collector.otlp_http_endpoint)
        workers = tuple(self._worker(name, broker.url, environment) for name in WORKERS)
        self._stack.callback(_stop_together, workers)
        return Stack(broker.url, backend, journal, collector, prometheus, workers, self._servers)

    def _start(self, name: str, make: Callable[[], AnyServer]) -> AnyServer:
        self._say(f"starting {name}")
        try:
            server = make()
            # Before the start: a Ctrl-C in the middle of it must find something that can be stopped.
            self._stack.callback(server.stop)
            server.start()
        except Exception as error:
            raise StackError(name, f"did not start: {error}") from error
        self._servers[name] = server
        return server

    def _prometheus(self, collector: Collector) -> PrometheusServer:
        targets = {"celery_workers": collector.metrics_target}
        return PrometheusServer(self._directory / "prometheus", targets=targets, scrape_interval="1s")

    def _worker(self, name: str, broker_url: str, environment: dict[str, str]) -> CeleryWorker:
        return self._start(
            name,
            lambda: CeleryWorker(
                name,
                app="playground.app",
                broker_url=broker_url,
                directory=self._directory / name,
                concurrency=CONCURRENCY,
                env=environment,
                cwd=HERE,
            ),
        )

    def _environment(self, broker: str, backend: str, journal: Path, endpoint: str) -> dict[str, str]:
        return {
            "PLAYGROUND_BROKER_URL": broker,
            "PLAYGROUND_RESULT_BACKEND": backend,
            "PLAYGROUND_JOURNAL": str(journal),
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
            # Four children on few cores: more threads in each would only stand in each other's way.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
