"""The real collector with the real configuration: names and labels, restarts, and the end of a series.

What is sent here comes from OpenTelemetry's own SDK and exporters, as from a worker, so that what Prometheus gets is
decided by the collector alone.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter
from opentelemetry.metrics import Counter, Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from prometheus_client.parser import text_string_to_metric_families

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.ledger import counter_total
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.prometheus import PrometheusServer

IDENTITY = {"job": "shop", "instance": "w1@host"}
TASK = {"task_name": "add"}
_DEADLINE = 30.0


class Sender:
    """A worker's way of sending: one meter, exported when asked and not before."""

    def __init__(self, exporter: MetricExporter, instance: str = IDENTITY["instance"]) -> None:
        self._exporter = exporter
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
        resource = Resource({"service.name": IDENTITY["job"], "service.instance.id": instance, "process.pid": 1234})
        self._provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        self.meter: Meter = self._provider.get_meter("celery_otel", "0.1.0")
        self.tasks: Counter = self.meter.create_counter("celery.task", unit="{task}", description="Ended attempts")

    def send(self) -> None:
        """Export every series now."""
        assert self._provider.force_flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # The exporter first, so that the provider's last export goes nowhere: a killed worker does none.
        self._exporter.shutdown()
        self._provider.shutdown()


@contextmanager
def sender(collector: Collector, instance: str = IDENTITY["instance"]) -> Iterator[Sender]:
    """Give a sender over OTLP/HTTP that is closed at the end."""
    with Sender(HttpExporter(f"{collector.otlp_http_endpoint}/v1/metrics"), instance) as made:
        yield made


def exposed(collector: Collector) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """Return what the collector shows to Prometheus: by sample name, by labels, the value."""
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in text_string_to_metric_families(fetch(collector.metrics_url)):
        for sample in family.samples:
            found.setdefault(sample.name, {})[labels(sample.labels)] = sample.value
    return found


def labels(mapping: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """Return labels as a key."""
    return frozenset(mapping.items())


def total(collector: Collector, instance: str = IDENTITY["instance"]) -> float | None:
    """Return the exposed total of ended attempts; None if there is no such series."""
    key = labels({**IDENTITY, "instance": instance, **TASK, "status": "success"})
    return exposed(collector).get("celery_task_total", {}).get(key)


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    """Run a collector of the test's own."""
    with Collector(tmp_path / "collector") as running:
        yield running


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_series_have_exactly_the_documented_names_and_labels(collector: Collector, protocol: str) -> None:
    """Counter, gauge and histogram come out under their Prometheus names with our labels, job and instance alone."""
    exporters: dict[str, MetricExporter] = {
        "http/protobuf": HttpExporter(f"{collector.otlp_http_endpoint}/v1/metrics"),
        "grpc": GrpcExporter(collector.otlp_grpc_endpoint, insecure=True),
    }
    for name, exporter in exporters.items():
        if name != protocol:
            exporter.shutdown()
    with Sender(exporters[protocol]) as worker:
        worker.tasks.add(3, {**TASK, "status": "success"})
        worker.meter.create_gauge("celery.active_tasks", unit="{task}").set(2, TASK)
        duration = worker.meter.create_histogram(
            "celery.task.duration", unit="s", explicit_bucket_boundaries_advisory=[1]
        )
        duration.record(0.5, {**TASK, "status": "success"})
        worker.send()
        found = exposed(collector)

    ended = {**IDENTITY, **TASK, "status": "success"}
    assert found == {
        "celery_task_total": {labels(ended): 3},
        "celery_active_tasks": {labels({**IDENTITY, **TASK}): 2},
        "celery_task_duration_seconds_bucket": {labels({**ended, "le": "1"}): 1, labels({**ended, "le": "+Inf"}): 1},
        "celery_task_duration_seconds_sum": {labels(ended): 0.5},
        "celery_task_duration_seconds_count": {labels(ended): 1},
        "target_info": {labels({**IDENTITY, "process_pid": "1234"}): 1},
    }


def test_killed_collector_shows_the_totals_again(collector: Collector) -> None:
    """What a worker counted before, while and after the collector was dead is in the next export's totals."""
    with sender(collector) as worker:
        worker.tasks.add(5, {**TASK, "status": "success"})
        worker.send()
        assert total(collector) == 5

        collector.kill()
        worker.tasks.add(2, {**TASK, "status": "success"})
        collector.start()
        assert total(collector) is None

        worker.send()
        assert total(collector) == 7


def test_series_ends_when_its_worker_sends_no_more(tmp_path: Path) -> None:
    """A silent worker's series go after the expiration, and those of a worker that sends stay."""
    with (
        Collector(tmp_path, metric_expiration="10s") as collector,
        sender(collector, "silent@host") as silent,
        sender(collector, "idle@host") as idle,
    ):
        for worker in (silent, idle):
            worker.tasks.add(1, {**TASK, "status": "success"})
            worker.send()
        assert total(collector, "silent@host") == 1

        def only_the_silent_one_is_gone() -> bool:
            idle.send()
            assert total(collector, "idle@host") == 1
            return total(collector, "silent@host") is None

        wait_until(only_the_silent_one_is_gone, deadline=_DEADLINE, message="the silent worker's series is still there")


def test_prometheus_sums_the_lives_of_a_worker_exactly(collector: Collector, tmp_path: Path) -> None:
    """Restarts of a worker under the same identity lose nothing, even if a new life counts more than the one before.

    Without the zero that Prometheus writes at the start of each life, 3, 8 and 8 would look like one life of 8.
    """
    with PrometheusServer(tmp_path / "p", targets={"celery_workers": collector.metrics_target}) as prometheus:

        def recorded() -> float:
            return counter_total(prometheus.series('celery_task_total{status="success"}'))

        expected = 0
        for counted in (3, 8, 8):
            with sender(collector) as worker:
                worker.tasks.add(counted, {**TASK, "status": "success"})
                worker.send()
                expected += counted
                wait_until(
                    lambda want=expected: recorded() >= want,  # type: ignore[misc]
                    deadline=_DEADLINE,
                    message=lambda: f"Prometheus has {recorded()} of {expected}",  # noqa: B023 - called within the turn
                )

        assert recorded() == 19
        found = prometheus.query("celery_task_total")
        assert [sample.labels for sample in found] == [
            {"__name__": "celery_task_total", **IDENTITY, **TASK, "status": "success"}
        ]
