"""What the monitor says of a real worker is what `/proc` says of it, and its results are all measured."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from celery import Celery
from prometheus_client.parser import text_string_to_metric_families

from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import free_port
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker

APPLICATION = "tests.integration.resources.application"
ROOT = Path(__file__).parents[3]
PREFIX = "celery_process_"
STORED = "celery_result_backend_latency_seconds_count"
POOLS = [("prefork", ("--max-tasks-per-child", "1")), ("threads", ())]


class Measured:
    """A worker that serves its own series.

    Args:
        broker_url: Broker and result backend.
        directory: Where its log goes and its tasks write.
        pool: The pool.
        arguments: More of its command line.
    """

    def __init__(self, broker_url: str, directory: Path, pool: str, arguments: tuple[str, ...] = ()) -> None:
        self.directory = directory
        self.pool = pool
        self._port = free_port()
        self._number = 0
        self.client = Celery("client", broker=broker_url, backend=broker_url, set_as_current=False)
        self.worker = CeleryWorker(
            f"measured-{pool}",
            app=APPLICATION,
            broker_url=broker_url,
            directory=directory,
            pool=pool,
            concurrency=3,
            queues=[pool],
            env={
                "SHOP_BACKEND": broker_url,
                "OTEL_METRICS_EXPORTER": "prometheus",
                "OTEL_EXPORTER_PROMETHEUS_PORT": str(self._port),
                "MONITOR_INTERVAL": "0.2",
            },
            arguments=arguments,
            cwd=ROOT,
        )

    def series(self) -> dict[str, float]:
        """The series of resources, by what follows their prefix."""
        families = text_string_to_metric_families(fetch(f"http://127.0.0.1:{self._port}/metrics"))
        samples = [sample for family in families for sample in family.samples if sample.name.startswith(PREFIX)]
        labels = {"process_type": "celery_worker", "worker_name": self.worker.node_name}
        assert [] == [sample for sample in samples if sample.labels != labels]
        return {sample.name.removeprefix(PREFIX): sample.value for sample in samples}

    def stored(self) -> float:
        """How many times it was measured how long a result took to be stored."""
        families = text_string_to_metric_families(fetch(f"http://127.0.0.1:{self._port}/metrics"))
        samples = [sample for family in families for sample in family.samples if sample.name == STORED]
        return sum(sample.value for sample in samples if sample.labels["operation"] == "store")

    def members(self) -> list[psutil.Process]:
        """MAIN and its descendants."""
        main = psutil.Process(self.worker.pid)
        return [main, *main.children(recursive=True)]

    def written(self) -> int:
        """What they have written by now, as the kernel says."""
        return sum(int(member.io_counters().write_bytes) for member in self.members())

    def run(self, task: str, *args: object) -> object:
        """Runs a task."""
        result = self.client.send_task(f"{APPLICATION}.{task}", args, queue=self.pool)
        return result.get(timeout=30, propagate=False)

    def write(self) -> None:
        """Has a task write."""
        self._number += 1
        assert isinstance(self.run("write", str(self.directory), self._number), int)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A broker."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=POOLS, ids=lambda pool: pool[0])
def measured(redis: RedisServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Measured]:
    """A worker; of the prefork pool, one with a new child for each task."""
    pool, arguments = request.param
    measured = Measured(redis.url, tmp_path, pool, arguments)
    with measured.client, measured.worker:
        yield measured


def agrees(measured: Measured) -> str:
    """How the series differ from /proc; nothing if they agree."""
    series, members = measured.series(), measured.members()
    exact = {
        "count": len(members),
        "threads": sum(member.num_threads() for member in members),
        "disk_written_bytes_total": measured.written(),
    }
    near = {
        "memory_bytes": sum(member.memory_info().rss for member in members),
        "open_files": sum(member.num_fds() for member in members),
    }
    wrong = {name: (value, series.get(name)) for name, value in exact.items() if value != series.get(name)}
    # Memory moves, and a scrape opens files itself.
    wrong |= {
        name: (value, series.get(name))
        for name, value in near.items()
        if abs(value - series.get(name, 0.0)) > 0.1 * value
    }
    return str(wrong or "")


def test_the_figures_are_those_of_proc(measured: Measured) -> None:
    """At rest, after tasks that wrote themselves and by subprocesses, in children that are gone by now."""
    rising = []
    for _ in range(8):
        measured.write()
        rising.append(measured.series().get("disk_written_bytes_total", 0.0))
    if measured.pool == "prefork":
        measured.run("die")
    # The result of a task whose child has died is stored by MAIN.
    results = 9.0 if measured.pool == "prefork" else 8.0
    wait_until(lambda: measured.stored() == results, deadline=20, message=lambda: f"{measured.stored()} stored")
    wait_until(lambda: not agrees(measured), deadline=20, message=lambda: agrees(measured))
    series = measured.series()
    assert rising == sorted(rising)
    assert rising[-1] <= series["disk_written_bytes_total"]
    # Of some moments ago: it is not read every time.
    assert 0 < series["memory_private_bytes"] < series["memory_bytes"]
    assert 0 <= series["cpu_percent"] < 100 * (psutil.cpu_count() or 1) + 10
