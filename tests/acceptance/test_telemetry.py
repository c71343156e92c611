"""`telemetry.yaml` describes what comes out of a real worker and a real beat through a real collector, and no more."""

from pathlib import Path

import yaml
from celery import Celery
from prometheus_client.parser import text_string_to_metric_families

from celery_otel_pipeline.beat import CeleryBeat
from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker

ROOT = Path(__file__).parents[2]
APPLICATION = "tests.integration.worker.application"
SCHEDULED = "tests.integration.beat.application"
ADDED = {"job", "instance", "le"}
"""Labels that the collector adds, and the one of histogram buckets."""


def described() -> dict[str, tuple[str, frozenset[str]]]:
    """Kind and labels of every series of `telemetry.yaml` that workers and beats emit."""
    metrics = yaml.safe_load((ROOT / "instrumentation/celery_otel/telemetry.yaml").read_text())["metrics"]
    theirs = [entry for entry in metrics.values() if entry.get("emitted") != "api"]
    return {entry["series"]: (entry["kind"], frozenset(entry["labels"])) for entry in theirs}


def emitted(page: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Kind and labels of every series of ours on the collector's page."""
    found = {}
    for family in text_string_to_metric_families(page):
        labels = {key for sample in family.samples for key in sample.labels} - ADDED
        suffix = "_total" if family.type == "counter" else ""
        if family.name.startswith("celery"):
            found[family.name + suffix] = (family.type, frozenset(labels))
    return found


def make_every_kind_of_series(client: Celery) -> None:
    """Runs what it takes for every described series to exist: failure, retry, ETA, time in the queue, a run."""
    results = [
        client.send_task(f"{APPLICATION}.refuse", ("Sad",)),
        client.send_task("shop.again"),
        client.send_task("shop.train"),
        client.send_task(f"{APPLICATION}.order", countdown=0.1),
    ]
    for result in results:
        result.get(timeout=30, propagate=False)


def instances(page: str, prefix: str) -> set[str]:
    """The instances that have series whose names begin so."""
    families = (family for family in text_string_to_metric_families(page) if family.name.startswith(prefix))
    return {sample.labels["instance"] for family in families for sample in family.samples}


def test_what_is_described_is_emitted_and_nothing_else(tmp_path: Path) -> None:
    """A run that does a bit of everything emits each described series with its kind and labels, and no other."""
    with RedisServer(tmp_path / "redis") as redis, Collector(tmp_path / "collector") as collector:
        exporting = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.otlp_http_endpoint,
            "OTEL_METRIC_EXPORT_INTERVAL": "300",
        }
        worker = CeleryWorker(
            "telemetry",
            app=f"{APPLICATION}:app",
            broker_url=redis.url,
            directory=tmp_path,
            env={"SHOP_BACKEND": redis.url, **exporting},
            cwd=ROOT,
        )
        beat = CeleryBeat(
            "beat",
            app=f"{SCHEDULED}:app",
            broker_url=redis.url,
            directory=tmp_path,
            # Into a queue of which nobody takes anything: this is not about the worker's tasks.
            env={"BEAT_SCHEDULE": '{"often": 1}', "BEAT_QUEUE": "unread", **exporting},
            cwd=ROOT,
        )
        client = Celery("client", broker=redis.url, backend=redis.url, set_as_current=False)
        with worker, beat, client:
            make_every_kind_of_series(client)
            wait_until(
                lambda: described() == emitted(fetch(collector.metrics_url)),
                deadline=20,
                message=lambda: str(described().items() ^ emitted(fetch(collector.metrics_url)).items()),
            )
            page = fetch(collector.metrics_url)
        beats, workers = instances(page, "celery_beat"), instances(page, "celery_worker")
        assert (1, {worker.node_name}) == (len(beats - workers), workers)
