"""`OTEL_METRICS_EXPORTER` decides where the metrics go."""

import json
from pathlib import Path
from typing import Any

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.fetching import fetch, is_reachable
from celery_otel_pipeline.polling import wait_until
from tests.integration.worker.conftest import Shop, eventually, scrape

ORDER = (("status", "success"), ("task_name", "tests.integration.worker.application.order"))


def test_the_worker_serves_its_metrics_itself(shop: Shop, port: int) -> None:
    """With the exporter prometheus, the worker answers on its own port, with the names of the collector's series."""
    shop.worker(OTEL_METRICS_EXPORTER="prometheus", OTEL_EXPORTER_PROMETHEUS_PORT=str(port))
    shop.run("order")
    eventually(1.0, lambda: scrape(port).get(("celery_task_total", ORDER)))
    series = scrape(port)
    assert 1.0 == series["celery_task_duration_seconds_count", ORDER]
    assert "shop" == next(dict(labels)["service_name"] for name, labels in series if name == "target_info")


def test_a_scrape_carries_no_other_label_than_described(shop: Shop, port: int) -> None:
    """What a worker serves has the labels of telemetry.yaml, without any of the instrumentation's scope."""
    shop.worker(OTEL_METRICS_EXPORTER="prometheus", OTEL_EXPORTER_PROMETHEUS_PORT=str(port))
    labels = {key for name, labels in scrape(port) if name.startswith("celery_") for key, _ in labels}
    expected = {"task_name", "status", "cause", "limit", "reason", "worker_name", "label", "hook", "exporter", "loss"}
    # The series of resources begin a moment later.
    assert expected == labels - {"process_type"}


def test_two_exporters_say_the_same(shop: Shop, port: int) -> None:
    """A list of exporters is served from one ledger: console and prometheus agree."""
    worker = shop.worker(
        OTEL_METRICS_EXPORTER="prometheus,console",
        OTEL_EXPORTER_PROMETHEUS_PORT=str(port),
        OTEL_METRIC_EXPORT_INTERVAL="200",
    )
    shop.run("order")
    eventually(1.0, lambda: scrape(port).get(("celery_task_total", ORDER)))
    wait_until(lambda: 1 in printed_totals(worker.log), deadline=20, message=lambda: worker.log[-2000:])


def printed_totals(log: str) -> list[int]:
    """The successes of `order`, export by export, as the console exporter printed them."""
    decoder, totals, position = json.JSONDecoder(), [], log.find('{\n    "resource_metrics"')
    while position >= 0:
        try:
            document, end = decoder.raw_decode(log, position)
        except json.JSONDecodeError:
            break  # the newest one is not whole yet
        totals += [point["value"] for point in points(document) if point["attributes"] == dict(ORDER)]
        position = log.find('{\n    "resource_metrics"', end)
    return totals


def points(document: Any) -> Any:
    """The data points of celery.task.total; none if the export is of zeros for other series."""
    (scope,) = document["resource_metrics"][0]["scope_metrics"]
    totals = (metric for metric in scope["metrics"] if metric["name"] == "celery.task.total")
    return [point for metric in totals for point in metric["data"]["data_points"]]


def test_grpc_when_it_is_chosen(shop: Shop, tmp_path: Path) -> None:
    """With the protocol grpc, the metrics reach the collector's gRPC receiver."""
    with Collector(tmp_path) as collector:
        shop.worker(
            OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.otlp_grpc_endpoint,
            OTEL_METRIC_EXPORT_INTERVAL="200",
        )
        shop.run("order")
        expected = 'status="success",task_name="tests.integration.worker.application.order"} 1'
        wait_until(
            lambda: expected in fetch(collector.metrics_url),
            deadline=20,
            message=lambda: fetch(collector.metrics_url),
        )


def test_none_exports_nothing(shop: Shop, port: int) -> None:
    """With the exporter none, the worker runs its tasks and nothing listens or is sent."""
    shop.worker(OTEL_METRICS_EXPORTER="none", OTEL_EXPORTER_PROMETHEUS_PORT=str(port))
    assert 0.0 == shop.run("order")
    assert not is_reachable(f"http://127.0.0.1:{port}/metrics")


def test_a_disabled_sdk_leaves_the_worker_alone(shop: Shop, port: int) -> None:
    """With OTEL_SDK_DISABLED the worker runs its tasks as if celery-otel were not there."""
    shop.worker(OTEL_SDK_DISABLED="true", OTEL_METRICS_EXPORTER="prometheus", OTEL_EXPORTER_PROMETHEUS_PORT=str(port))
    assert 0.0 == shop.run("order")
    assert not is_reachable(f"http://127.0.0.1:{port}/metrics")


def test_a_port_that_is_taken_is_said_and_costs_nothing_else(shop: Shop, port: int) -> None:
    """The second worker on a port says what to do, and works."""
    shop.worker(OTEL_METRICS_EXPORTER="prometheus", OTEL_EXPORTER_PROMETHEUS_PORT=str(port))
    second = shop.worker(OTEL_METRICS_EXPORTER="prometheus", OTEL_EXPORTER_PROMETHEUS_PORT=str(port))
    assert 0.0 == shop.run("order")
    assert "Give each worker of this machine its own OTEL_EXPORTER_PROMETHEUS_PORT" in second.log
