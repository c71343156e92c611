"""Runs tasks on the asyncio pool that `celery-aio-pool` brings: `python -m tests.compatibility.aio_pool`.

Exit status 1 unless every attempt that was received is accounted for, and as often as it was sent.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

from celery import Celery
from prometheus_client.parser import text_string_to_metric_families

from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.otlp_sink import OtlpSink
from celery_otel_pipeline.polling import DeadlineError, wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.worker import CeleryWorker
from tests.compatibility.environments import Environment

TIMES = 50
PLANNED = {
    "succeed": {"success": TIMES},
    "fail": {"failure": TIMES},
    "again": {"success": TIMES, "retry": TIMES},
    "plain": {"success": TIMES},
}
ACCOUNTED = ("celery_task_total", "celery_task_returned_total", "celery_active_tasks", "celery_worker_prefetch_count")
DEADLINE = 60.0


class Scene:
    """A worker with that pool.

    Args:
        broker: Broker and result backend.
        sink: Where its spans go.
        directory: Where the log goes.
    """

    def __init__(self, broker: RedisServer, sink: OtlpSink, directory: Path) -> None:
        port = free_port()
        self._url = f"http://{LOOPBACK}:{port}/metrics"
        self._client = Celery("client", broker=broker.url, backend=broker.url, set_as_current=False)
        self._sink = sink
        self.worker = CeleryWorker(
            "aio",
            app="tests.compatibility.aio_application:app",
            broker_url=broker.url,
            directory=directory,
            pool="custom",
            queues=["aio"],
            env={
                "CELERY_CUSTOM_WORKER_POOL": "celery_aio_pool.pool:AsyncIOPool",
                "AIO_BACKEND": broker.url,
                "OTEL_METRICS_EXPORTER": "prometheus",
                "OTEL_EXPORTER_PROMETHEUS_HOST": LOOPBACK,
                "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
                "PYTHONPATH": f"{ROOT}/instrumentation",
            },
            python=str(Environment("aio pool", ("celery-aio-pool",)).made()),
            cwd=ROOT,
        )

    def send(self) -> None:
        """Sends every task."""
        for number in range(TIMES):
            for task in PLANNED:
                self._client.send_task(f"aio.{task}", [number], queue="aio")

    def statuses(self) -> dict[str, dict[str, float]]:
        """How often each task has ended, by status."""
        found: dict[str, Counter[str]] = {task: Counter() for task in PLANNED}
        for name, labels, value in self._samples():
            if name == "celery_task_total" and value:
                found[labels["task_name"].removeprefix("aio.")][labels["status"]] += int(value)
        return {task: dict(statuses) for task, statuses in found.items()}

    def sums(self, *names: str) -> float:
        """The sum of some metrics."""
        return sum(value for name, _, value in self._samples() if name in names)

    def spans(self) -> int:
        """How many attempts have a span."""
        return sum(span.name.startswith("process aio.") for span in self._sink.spans())

    def _samples(self) -> list[tuple[str, dict[str, str], float]]:
        families = text_string_to_metric_families(fetch(self._url))
        return [(sample.name, sample.labels, sample.value) for family in families for sample in family.samples]


def main() -> int:
    """Runs it, prints what came of it, and returns the exit status."""
    with (
        tempfile.TemporaryDirectory(prefix="celery-otel-aio-") as name,
        RedisServer(Path(name) / "redis") as broker,
        OtlpSink() as sink,
    ):
        scene = Scene(broker, sink, Path(name))
        try:
            scene.worker.start()
            return _run(scene)
        finally:
            scene.worker.kill()


def _run(scene: Scene) -> int:
    scene.send()
    planned = sum(number for statuses in PLANNED.values() for number in statuses.values())
    try:
        wait_until(lambda: scene.spans() >= planned, deadline=DEADLINE, message="not every attempt has a span")
    except DeadlineError as error:
        print(error, scene.worker.process.log_tail, sep="\n")  # noqa: T201  # the report is what the program is for
    received, accounted = scene.sums("celery_task_received_total"), scene.sums(*ACCOUNTED)
    print(f"received {received:g}, accounted {accounted:g}, planned {planned}, spans {scene.spans()}")  # noqa: T201
    print(f"ended: {scene.statuses()}")  # noqa: T201  # as above
    return int(not (received == accounted == planned and scene.statuses() == PLANNED))


if __name__ == "__main__":
    sys.exit(main())
