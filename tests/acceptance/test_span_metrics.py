"""What is counted from spans, Jaeger's monitor page that shows it, and the way from a metric to a trace."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.jaeger import JaegerServer
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.prometheus import PrometheusServer
from tests.acceptance.traces.pipeline import NOTHING_BY_CHANCE
from tests.acceptance.traces.sender import SERVICE, sender_to, span_id, trace_id

_DEADLINE = 60.0
TASKS, ERRORS = 200, 3
CALLS = "traces_span_metrics_calls_total"


@dataclass(frozen=True)
class Servers:
    """A collector, the Prometheus that scrapes it and the Jaeger that asks it."""

    collector: Collector
    prometheus: PrometheusServer
    jaeger: JaegerServer


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """Run the three, with a sampling that keeps nothing by chance."""
    receiver = f"{LOOPBACK}:{free_port()}"
    settings = {**NOTHING_BY_CHANCE, "SPAN_METRICS_INTERVAL": "1s"}
    collector = Collector(tmp_path / "collector", jaeger=receiver, decision_wait="1s", settings=settings)
    targets = {"celery_workers": collector.metrics_target, "celery_spans": collector.span_metrics_target}
    prometheus = PrometheusServer(tmp_path / "prometheus", targets=targets)
    jaeger = JaegerServer(tmp_path / "jaeger", otlp_target=receiver, prometheus_url=prometheus.url)
    with ExitStack() as running:
        for server in (collector, prometheus, jaeger):
            running.enter_context(server)
        yield Servers(collector, prometheus, jaeger)


def send_tasks(collector: Collector) -> None:
    """Send the spans of tasks, few of them failed, from two workers of one service."""
    for worker in ("w1@host", "w2@host"):
        with sender_to(collector, {"service.instance.id": worker}) as sender:
            for n in range(TASKS // 2):
                sent = sender.span("send pay")
                sender.span("process pay", parent=sent, error=ValueError("no") if n < ERRORS else None, seconds=0.2)
            sender.send()


def counted(prometheus: PrometheusServer) -> dict[tuple[str, ...], float]:
    """Return how many spans were counted, by all labels but those of the scrape."""
    return {
        tuple(
            sample.labels[label] for label in sorted(sample.labels.keys() - {"__name__", "job", "instance"})
        ): sample.value
        for sample in prometheus.query(CALLS)
    }


def test_all_spans_are_counted_whatever_the_sampling_keeps(servers: Servers) -> None:
    """Prometheus counts every span of both workers in one series for each kind, name and status; Jaeger has a few."""
    send_tasks(servers.collector)
    expected = {
        (SERVICE, "SPAN_KIND_PRODUCER", "send pay", "STATUS_CODE_UNSET"): TASKS,
        (SERVICE, "SPAN_KIND_CONSUMER", "process pay", "STATUS_CODE_UNSET"): TASKS - 2 * ERRORS,
        (SERVICE, "SPAN_KIND_CONSUMER", "process pay", "STATUS_CODE_ERROR"): 2 * ERRORS,
    }
    wait_until(
        lambda: expected == counted(servers.prometheus),
        deadline=_DEADLINE,
        message=lambda: f"Prometheus has {counted(servers.prometheus)}",
    )
    wait_until(
        lambda: 2 * ERRORS == len(servers.jaeger.search(SERVICE)),
        deadline=_DEADLINE,
        message=lambda: f"Jaeger has {len(servers.jaeger.search(SERVICE))} traces",
    )


def test_what_is_counted_from_spans_keeps_away_from_the_workers_series(servers: Servers) -> None:
    """The page with the workers' series shows nothing that comes from a span."""
    send_tasks(servers.collector)
    page = f"http://{servers.collector.span_metrics_target}/metrics"
    wait_until(lambda: CALLS in fetch(page), deadline=_DEADLINE, message="nothing was counted")

    assert "" == fetch(servers.collector.metrics_url)


def test_monitor_page_shows_rates_errors_and_latencies(servers: Servers) -> None:
    """Jaeger answers from Prometheus what its monitor page draws: for each operation calls, errors and durations."""
    send_tasks(servers.collector)
    wait_until(lambda: counted(servers.prometheus), deadline=_DEADLINE, message="nothing was counted")
    # A rate needs two samples, between which something was counted.
    send_tasks(servers.collector)

    def shown(figure: str) -> list[float]:
        values = servers.jaeger.monitor(figure, SERVICE).get("process pay", [])
        return [round(value, 9) for value in values if value > 0]

    wait_until(
        lambda: shown("calls"), deadline=_DEADLINE, message=lambda: str(servers.jaeger.monitor("calls", SERVICE))
    )
    # A scrape may come between the series of an export: of failed tasks and of all, one is new then.
    wait_until(
        lambda: [2 * ERRORS / TASKS] == shown("errors")[-1:],
        deadline=_DEADLINE,
        message=lambda: f"shares of errors: {shown('errors')}",
    )
    latencies = servers.jaeger.monitor("latencies", SERVICE)["process pay"]

    # All took 0.2 s: the 95th percentile is interpolated within the bucket from 0.1 to 0.25 s.
    assert {0.2425} == {round(seconds, 6) for seconds in latencies if seconds > 0}


def test_exemplar_leads_to_a_trace_that_jaeger_has(servers: Servers) -> None:
    """A bucket of the workers' histogram remembers the trace of a failed task, and Jaeger finds it."""
    with sender_to(servers.collector) as sender:
        failed = sender.span("process pay", error=ValueError("no"))
        sender.send()
    record_duration(servers.collector, failed)

    found = wait_until(
        lambda: servers.prometheus.exemplars("celery_task_duration_seconds_bucket"),
        deadline=_DEADLINE,
        message="Prometheus has no exemplar",
    )

    assert [{"trace_id": trace_id(failed), "span_id": span_id(failed)}] == [exemplar.labels for exemplar in found]
    (stored,) = wait_until(
        lambda: servers.jaeger.trace(found[0].labels["trace_id"]).spans,
        deadline=_DEADLINE,
        message="Jaeger does not know the exemplar's trace",
    )
    assert span_id(failed) == stored.span_id


def record_duration(collector: Collector, span: SpanContext) -> None:
    """Send what a worker sends of a task that ended: its duration, recorded in its span."""
    exporter = OTLPMetricExporter(f"{collector.otlp_http_endpoint}/v1/metrics")
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    resource = Resource({"service.name": SERVICE, "service.instance.id": "w1@host"})
    provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    duration = provider.get_meter("celery_otel").create_histogram("celery.task.duration", unit="s")
    context = set_span_in_context(NonRecordingSpan(span))
    duration.record(0.2, {"task_name": "pay", "status": "failure"}, context=context)
    assert provider.force_flush()
    provider.shutdown()
