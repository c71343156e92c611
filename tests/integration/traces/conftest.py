"""One Redis for all tests here, a place where spans arrive, and workers that are stopped at the end of theirs."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from celery import Celery

from celery_otel_pipeline.otlp_sink import OtlpSink
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker

ROOT = Path(__file__).parents[3]


class Traced:
    """A client, a queue of its own, workers, and the spans of one test.

    Args:
        broker_url: Broker and result backend.
        directory: Where logs go.
        queue: The queue.
    """

    def __init__(self, broker_url: str, directory: Path, queue: str) -> None:
        self.broker_url = broker_url
        self.directory = directory
        self.queue = queue
        self.client = Celery("client", broker=broker_url, backend=broker_url, set_as_current=False)
        self.sink = OtlpSink()
        self.workers: list[CeleryWorker] = []

    def environment(self, **env: str) -> dict[str, str]:
        """The environment of every process of the test: spans and metrics go to the sink, soon."""
        return {
            "TRACES_BROKER": self.broker_url,
            "TRACES_BACKEND": self.broker_url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.sink.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            **env,
        }

    def worker(
        self,
        application: str = "application",
        *arguments: str,
        pool: str = "prefork",
        prefix: Sequence[str] = (),
        wait: bool = True,
        **env: str,
    ) -> CeleryWorker:
        """A started worker with two slots.

        Args:
            application: The module.
            arguments: More of its command line.
            pool: Its pool.
            prefix: What stands before the interpreter on the command line.
            wait: Whether to wait until it is ready.
            env: More of its environment.
        """
        worker = CeleryWorker(
            f"{self.queue}-{len(self.workers)}",
            app=f"tests.integration.traces.{application}:app",
            broker_url=self.broker_url,
            directory=self.directory,
            pool=pool,
            concurrency=2,
            queues=[self.queue],
            arguments=arguments,
            env=self.environment(**env),
            cwd=ROOT,
            prefix=prefix,
        )
        self.workers.append(worker)
        (worker.start if wait else worker.process.start)()
        return worker

    def run(self, task: str, *args: object, times: int = 1) -> None:
        """Runs a task so many times, and waits for the ends."""
        sent = [self.client.send_task(task, args, queue=self.queue) for _ in range(times)]
        for result in sent:
            result.get(timeout=60, propagate=False)

    def wait_for(self, expected: dict[str, int]) -> None:
        """Waits until so many spans of these names have arrived.

        Raises:
            DeadlineError: Others, fewer or more were there after half a minute.
        """
        wait_until(
            lambda: self.counts(expected) == expected,
            deadline=30,
            message=lambda: f"expected {expected}, got {self.counts(expected)} of {self.names}\n{self._tails()}",
        )

    def counts(self, names: dict[str, int]) -> dict[str, int]:
        """How many different spans of these names have arrived."""
        distinct = Counter(name for name, _ in {(span.name, span.span_id) for span in self.sink.spans()})
        return {name: distinct[name] for name in names}

    @property
    def names(self) -> Counter[str]:
        """The names of all spans that have arrived."""
        return Counter(span.name for span in self.sink.spans())

    def stop(self) -> None:
        """Ends the workers and the client."""
        for worker in self.workers:
            worker.kill()
        self.client.close()

    def _tails(self) -> str:
        return "\n".join(worker.process.log_tail for worker in self.workers)


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server, as broker and result backend."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


_numbers = count()
MakeTraced = Callable[[], Traced]


@pytest.fixture
def traced(redis: RedisServer, tmp_path: Path) -> Iterator[Traced]:
    """A client, a queue of its own and a sink."""
    with ExitStack() as stack:
        traced = Traced(redis.url, tmp_path, f"traced{next(_numbers)}")
        stack.enter_context(traced.sink)
        stack.callback(traced.stop)
        yield traced
