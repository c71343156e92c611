"""All that the dashboards show, running: broker, two workers, beat, API, collector, Jaeger and Prometheus with rules.

`PYTHONPATH=.:instrumentation:api:collector python -m tests.acceptance.dashboards.scene` keeps it up until Ctrl-C.
"""

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from docs.examples.demo.driver.service import Service

from celery_otel_pipeline.beat import CeleryBeat
from celery_otel_pipeline.prometheus import PrometheusServer
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.worker import CeleryWorker, start_together
from tests.acceptance.traces.pipeline import TracePipeline

APPLICATION = "tests.acceptance.dashboards.application"
PLAYGROUND = ROOT / "docs" / "examples" / "demo"
RULES = ROOT / "collector" / "prometheus" / "rules"
SCRAPE_SECONDS = 1.0
#: For the pictures: a worker is killed after so many seconds, and is away for as many.
CALM, AWAY = 270.0, 110.0


class Scene:
    """The servers, started together; the workers have queues of their own, and one queue has none.

    Args:
        directory: Where each has a folder.

    Attributes:
        prometheus: Who is asked.
        workers: The two workers.
    """

    def __init__(self, directory: Path) -> None:
        self._redis = RedisServer(directory / "redis")
        self._traces = TracePipeline(directory, settings={"SPAN_METRICS_INTERVAL": "1s"})
        collector = self._traces.collector
        targets = {
            "celery_workers": collector.metrics_target,
            "otel_collector": collector.telemetry_target,
            "celery_spans": collector.span_metrics_target,
        }
        self.prometheus = PrometheusServer(directory / "prometheus", targets=targets, rules=RULES)
        env = _environment(self._redis.url, directory, collector.otlp_http_endpoint)
        self.workers = tuple(self._worker(name, queue, directory, env) for name, queue in QUEUES.items())
        self._beat = CeleryBeat(
            "beat", app=APPLICATION, broker_url=self._redis.url, directory=directory / "beat", env=env, cwd=PLAYGROUND
        )
        options = {"COLLECTOR_METRICS_URL": collector.metrics_url, "QUEUES": "parked"}
        api = {**env, **{f"CELERY_OTEL_API_{name}": value for name, value in options.items()}}
        self._service = Service(directory / "api", cwd=PLAYGROUND, env=api)
        self._running = ExitStack()

    def _worker(self, name: str, queue: str, directory: Path, env: Mapping[str, str]) -> CeleryWorker:
        return CeleryWorker(
            name,
            app=APPLICATION,
            broker_url=self._redis.url,
            directory=directory / name,
            concurrency=2,
            queues=[queue],
            env=env,
            cwd=PLAYGROUND,
        )

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            for server in (self._redis, self._traces, self.prometheus):
                starting.enter_context(server)
            for worker in self.workers:
                starting.callback(worker.stop)
            start_together(self.workers)
            starting.enter_context(self._service)
            starting.enter_context(self._beat)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()


QUEUES = {"worker-1": "celery", "worker-2": "models"}


def _environment(broker: str, directory: Path, endpoint: str) -> dict[str, str]:
    path = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {
        "PYTHONPATH": os.pathsep.join(path),
        "PLAYGROUND_BROKER_URL": broker,
        "PLAYGROUND_RESULT_BACKEND": f"{broker.rpartition('/')[0]}/1",
        "PLAYGROUND_JOURNAL": str(directory / "journal.jsonl"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "CELERY_OTEL_RESOURCES_INTERVAL": "2",
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def main() -> None:
    """Keep it up, and kill a worker for a while, as the pictures show it."""
    with tempfile.TemporaryDirectory(prefix="celery-otel-scene-") as directory, Scene(Path(directory)) as scene:
        sys.stdout.write(f"{scene.prometheus.url}\n")
        sys.stdout.flush()
        time.sleep(CALM)
        second = scene.workers[1]
        second.kill()
        time.sleep(AWAY)
        second.start()
        while True:
            time.sleep(CALM)


if __name__ == "__main__":
    main()
