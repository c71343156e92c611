"""Starts what the demo needs and stops it again: broker, collector, Prometheus, front, workers, API; later Jaeger."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.jaeger import JaegerServer
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.prometheus import PrometheusServer
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker

from .front import Front
from .service import Service

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
        front: The web front.
        service: The REST API and its page.
        starter: Has started them, and starts more.
        jaeger_target: Host and port where Jaeger is going to receive spans.
    """

    broker_url: str
    result_backend: str
    journal: Path
    collector: Collector
    prometheus: PrometheusServer
    workers: tuple[CeleryWorker, ...]
    front: Front
    service: Service
    starter: "Starter"
    jaeger_target: str

    def children(self) -> set[int]:
        """Return the process ids of the workers' pool children."""
        return {pid for worker in self.workers for pid in worker.children}

    def start_jaeger(self) -> JaegerServer:
        """Start Jaeger, which has to be built.

        Raises:
            StackError: It did not start.
        """
        return self.starter.start("Jaeger", lambda directory: JaegerServer(directory, otlp_target=self.jaeger_target))

    def restart_collector(self) -> None:
        """Restart the collector, on the same ports and data.

        Raises:
            StackError: It did not start again.
        """
        try:
            self.collector.restart()
        except Exception as error:
            raise StackError("collector", f"did not start again: {error}") from error

    def check(self) -> None:
        """Look whether all servers still run, and the demo is to go on.

        Raises:
            StackError: One of them ended.
            KeyboardInterrupt: It is not.
        """
        self.starter.check()


@contextmanager
def started(directory: Path, say: Callable[[str], None], check: Callable[[], None]) -> Iterator[Stack]:
    """Start all servers, and stop them at the end whatever happens in between.

    Args:
        directory: Where they keep their data and logs.
        say: Is told what is being started.
        check: Is called before each start, and whenever somebody looks after the servers; raises to end it all.

    Raises:
        StackError: One of them did not start.
    """
    with ExitStack() as stack:
        starter = Starter(directory, say, check, stack)
        yield _start_all(starter)
        say("stopping everything")


def _stop_together(workers: Sequence[CeleryWorker]) -> None:
    """Stop the workers at the same time: one after the other takes seconds each."""
    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(CeleryWorker.stop, workers))


class Starter:
    """Starts one server after the other; what was started is stopped in reverse order.

    Args:
        directory: Where each server gets a directory.
        say: Is told what is being started.
        check: Is called before each start and by each look at the servers; raises to end it all.
        stack: Stops them at its end.

    Attributes:
        directory: The same.
    """

    def __init__(
        self, directory: Path, say: Callable[[str], None], check: Callable[[], None], stack: ExitStack
    ) -> None:
        self.directory = directory
        self._servers: dict[str, Server] = {}
        self._check = check
        self._say = say
        self._stack = stack

    def check(self) -> None:
        """Look whether all servers still run, and the demo is to go on.

        Raises:
            StackError: One of them ended.
            KeyboardInterrupt: It is not.
        """
        self._check()
        for name, server in self._servers.items():
            if not server.process.alive:
                raise StackError(name, f"ended in the middle of the demo.\n{server.process.log_tail}")

    def start(self, name: str, make: Callable[[Path], AnyServer]) -> AnyServer:
        """Make a server in its directory and start it.

        Raises:
            StackError: It did not start, or another one ended.
            KeyboardInterrupt: The demo is to end.
        """
        self.check()
        self._say(f"starting {name}")
        try:
            server = make(self.directory / name.lower())
            # Before the start: a Ctrl-C in the middle of it must find something that can be stopped.
            self._stack.callback(server.stop)
            server.start()
        except Exception as error:
            raise StackError(name, f"did not start: {error}") from error
        self._servers[name] = server
        return server

    def start_workers(self, broker_url: str, environment: Mapping[str, str]) -> tuple[CeleryWorker, ...]:
        """Start the workers; they are stopped together.

        Raises:
            StackError: One of them did not start.
        """
        workers = tuple(self._start_worker(name, broker_url, environment) for name in WORKERS)
        self._stack.callback(_stop_together, workers)
        return workers

    def _start_worker(self, name: str, broker_url: str, environment: Mapping[str, str]) -> CeleryWorker:
        return self.start(
            name,
            lambda directory: CeleryWorker(
                name,
                app="playground.app",
                broker_url=broker_url,
                directory=directory,
                concurrency=CONCURRENCY,
                env=environment,
                cwd=HERE,
            ),
        )


def _start_all(starter: Starter) -> Stack:
    jaeger = f"{LOOPBACK}:{free_port()}"
    broker = starter.start("broker", RedisServer)
    collector = starter.start("collector", lambda directory: _collector(directory, jaeger))
    prometheus = starter.start("Prometheus", lambda directory: _prometheus(directory, collector))
    backend = f"{broker.url.rpartition('/')[0]}/1"
    journal = starter.directory / JOURNAL
    environment = _environment(broker.url, backend, journal, collector.otlp_http_endpoint)
    front = starter.start("front", lambda directory: Front(directory, cwd=HERE, env=environment))
    workers = starter.start_workers(broker.url, environment)
    urls = {
        "CELERY_OTEL_API_COLLECTOR_METRICS_URL": collector.metrics_url,
        "CELERY_OTEL_API_PROMETHEUS_URL": prometheus.url,
    }
    service = starter.start("API", lambda directory: Service(directory, cwd=HERE, env={**environment, **urls}))
    return Stack(broker.url, backend, journal, collector, prometheus, workers, front, service, starter, jaeger)


def _collector(directory: Path, jaeger: str) -> Collector:
    # Which trace is shown must not be left to chance, nor take long to decide.
    return Collector(directory, jaeger=jaeger, decision_wait="1s", settings={"SAMPLING_PERCENTAGE": "100"})


def _prometheus(directory: Path, collector: Collector) -> PrometheusServer:
    return PrometheusServer(directory, targets={"celery_workers": collector.metrics_target}, scrape_interval="1s")


def _environment(broker: str, backend: str, journal: Path, endpoint: str) -> dict[str, str]:
    return {
        "PLAYGROUND_BROKER_URL": broker,
        "PLAYGROUND_RESULT_BACKEND": backend,
        "PLAYGROUND_JOURNAL": str(journal),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
        # Four children on few cores: more threads in each would only stand in each other's way.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
