"""`/metrics` and the summary: the API's own series and the collector's, each once, from real workers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import celery_otel
from celery_otel import names
from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.otlp_sink import OtlpSink
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.prometheus import PrometheusServer
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker
from tests.integration.api.conftest import PATIENT
from tests.integration.api.metrics_service import client_of, families, key, series, series_with, service
from tests.without_spans import instrumented

WORKERS_APP = "tests.integration.worker.application"
ROOT = Path(__file__).parents[3]
SUMMARY = "/api/v1/celery/metrics/summary"


@pytest.fixture(autouse=True)
def no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API exports nothing, unless a test says so."""
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server, as broker and result backend."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector."""
    with Collector(tmp_path_factory.mktemp("collector")) as server:
        yield server


@pytest.fixture(scope="module")
def worker(
    broker: RedisServer, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CeleryWorker]:
    """A worker that exports to the collector, and has run one task."""
    worker = metered("metered", broker, collector, tmp_path_factory.mktemp("worker"), pool="threads", queue="celery")
    with worker, client_of(broker.url) as client:
        client.send_task(f"{WORKERS_APP}.order").get(timeout=30)
        yield worker


def metered(
    name: str, broker: RedisServer, collector: Collector, directory: Path, *, pool: str, queue: str
) -> CeleryWorker:
    """A worker that exports to the collector."""
    return CeleryWorker(
        name,
        app=f"{WORKERS_APP}:app",
        broker_url=broker.url,
        directory=directory,
        pool=pool,
        concurrency=3,
        queues=[queue],
        env={
            "SHOP_BACKEND": broker.url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.otlp_http_endpoint,
            "OTEL_METRIC_EXPORT_INTERVAL": "300",
        },
        cwd=ROOT,
    )


def test_the_api_shows_what_it_knows(broker: RedisServer, worker: CeleryWorker) -> None:
    """A worker that answers and a broker that answers are up; nothing is said of a collector that is not set."""
    expected = {key("celery_broker_up"): 1.0, key("celery_worker_up", worker_name=worker.node_name): 1.0}
    with service(broker.url) as client:
        found = series_with(client, expected)
    assert not any(name == "celery_otel_api_collector_up" for name, _ in found)


def test_queues_are_measured(broker: RedisServer, worker: CeleryWorker) -> None:
    """A queue that nobody consumes has its messages, their age and no consumer; the worker's queue has the worker."""
    assert worker.alive
    with client_of(broker.url) as app, instrumented(app), service(broker.url, queues=("unread",)) as client:
        for _ in range(2):
            app.send_task(f"{WORKERS_APP}.order", queue="unread")
        found = series_with(
            client,
            {
                key("celery_queue_length", queue_name="unread"): 2.0,
                key("celery_queue_length", queue_name="celery"): 0.0,
                key("celery_queue_consumers", queue_name="unread"): 0.0,
                key("celery_queue_consumers", queue_name="celery"): 1.0,
            },
        )
    assert 0 <= found[key("celery_queue_oldest_message_age_seconds", queue_name="unread")] < 60


@pytest.mark.usefixtures("worker")
def test_scrapes_ask_nobody_while_the_picture_is_new(broker: RedisServer) -> None:
    """Twenty scrapes show one picture, which a request before them has asked for."""
    with service(broker.url, refresh_interval=600.0) as client:
        before = client.get(SUMMARY).json()["timestamp"]
        shown = [series(client)[key("celery_broker_up")] for _ in range(20)]
        after = client.get(SUMMARY).json()["timestamp"]
    assert ([1.0] * 20, before) == (shown, after)


def test_openmetrics_is_given_to_those_who_accept_it(broker: RedisServer, worker: CeleryWorker) -> None:
    """OpenMetrics says that the worker is up."""
    expected = {key("celery_worker_up", worker_name=worker.node_name): 1.0}
    with service(broker.url) as client:
        series_with(client, expected, "application/openmetrics-text")
        answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text;")


def test_with_a_broker_that_is_away_no_worker_is_said_to_be_down() -> None:
    """The broker is down, and there is no series of any worker or queue."""
    with service(f"redis://{LOOPBACK}:{free_port()}/0", deadline=2.0) as client:
        assert {key("celery_broker_up"): 0.0} == series(client)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text; version=1.0.0"])
def test_all_series_can_be_read_here_each_once(
    broker: RedisServer, collector: Collector, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    """The workers' series come from the collector; the API's own, which the collector has too, are there once."""
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "200")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.otlp_http_endpoint)
    with service(broker.url, collector_metrics_url=collector.metrics_url) as client:
        wait_until(
            lambda: 'celery_broker_up{instance="shop-api"' in page_of(collector),
            deadline=20,
            message=lambda: f"the collector is to have the API's series: {page_of(collector)}",
        )
        wait_until(
            lambda: key("celery_otel_api_collector_up") in series(client, accept),
            deadline=10,
            message="the API is to have read the collector",
        )
        found = series(client, accept)
        described = [family.name for family in families(client, accept)]
    ours = [labels for name, labels in found if name == "celery_broker_up"]
    ended = {("task_name", f"{WORKERS_APP}.order"), ("status", "success")}
    successes = [value for (name, labels), value in found.items() if name == "celery_task_total" and ended <= labels]
    assert ([frozenset()], [1.0], 1.0) == (ours, successes, found[key("celery_otel_api_collector_up")])
    assert sorted(set(described)) == sorted(described)


def page_of(collector: Collector) -> str:
    """What the collector shows."""
    return fetch(collector.metrics_url)


def test_a_solo_worker_that_was_busy_before_the_service_began_is_up(
    broker: RedisServer, collector: Collector, tmp_path: Path
) -> None:
    """It has never answered this service: the collector's series say that its heart beats."""
    worker = metered("lonely", broker, collector, tmp_path, pool="solo", queue="lonely")
    up = key("celery_worker_up", worker_name=worker.node_name)
    with worker, client_of(broker.url) as app:
        app.send_task(f"{WORKERS_APP}.order", (600.0,), queue="lonely")
        busy = f'celery_worker_pool_busy{{instance="{worker.node_name}",job="shop",worker_name="{worker.node_name}"}} 1'
        wait_until(lambda: busy in page_of(collector), deadline=20, message="the worker is to be busy")
        with service(broker.url, collector_metrics_url=collector.metrics_url) as client:
            before = series(client)
            wait_until(lambda: series(client).get(up) == 1.0, deadline=40, message="its heart is to be heard")
            summary = client.get(SUMMARY).json()["workers"]
        worker.kill()
    assert up not in before
    assert (1, True) == (summary["silent"], worker.node_name in summary["names"])


def test_without_the_collector_the_own_series_stay(broker: RedisServer, worker: CeleryWorker) -> None:
    """What is known is shown, and that the collector is not."""
    expected = {key("celery_otel_api_collector_up"): 0.0, key("celery_worker_up", worker_name=worker.node_name): 1.0}
    with service(broker.url, collector_metrics_url=f"http://{LOOPBACK}:{free_port()}/metrics") as client:
        series_with(client, expected)


@pytest.mark.usefixtures("worker")
def test_the_own_series_go_out_by_otlp_until_the_service_ends(
    broker: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are exported at once and at the interval, on the same settings as a worker's."""
    with OtlpSink() as sink:
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp")
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "200")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.endpoint)
        with service(broker.url):
            wanted = (names.BROKER_UP.name, names.WORKER_UP.name)
            wait_until(
                lambda: all(sink.metrics()[name] > 1 for name in wanted),
                deadline=20,
                message=lambda: str(sink.metrics()),
            )


def test_the_summary_of_the_guide(broker: RedisServer, worker: CeleryWorker) -> None:
    """The call and the endpoint say the same of workers, tasks and slots."""
    with client_of(broker.url) as app:
        told = celery_otel.get_celery_metrics_summary(app, timeout=PATIENT)
    with service(broker.url, inspect_timeout=PATIENT, deadline=30.0) as client:
        body = client.get(SUMMARY).json()
    assert (True, 1, 0) == (told["broker_connected"], told["workers"]["total"], told["tasks"]["active"])
    assert (told["tasks"], told["pool"], [worker.node_name]) == (body["tasks"], body["pool"], body["workers"]["names"])
    assert ({"size": 3, "busy": 0}, {"celery"}) == (body["pool"], set(body["queues"]))
    assert "CELERY_OTEL_API_PROMETHEUS_URL is not set." == body["recent"]["reason"]


def test_the_summary_without_a_broker() -> None:
    """It comes, and says what is not known."""
    with service(f"redis://{LOOPBACK}:{free_port()}/0", deadline=2.0) as client:
        answer = client.get(SUMMARY)
    assert (200, False, 0) == (answer.status_code, answer.json()["broker_connected"], answer.json()["workers"]["total"])
    assert "does not answer" in answer.json()["reason"]


@pytest.mark.usefixtures("worker")
def test_the_summary_has_prometheus_figures(broker: RedisServer, collector: Collector, tmp_path: Path) -> None:
    """With Prometheus it says how many attempts ended, how, and how long they ran."""
    targets = {"celery_workers": collector.metrics_target}
    with (
        PrometheusServer(tmp_path, targets=targets) as prometheus,
        client_of(broker.url) as app,
        service(broker.url, prometheus_url=prometheus.url) as client,
    ):
        before = client.get(SUMMARY).json()["recent"]
        wait_until(lambda: len(prometheus.query("celery_task_total > 0")) > 0, deadline=30, message="a first scrape")
        app.send_task(f"{WORKERS_APP}.refuse", ("Sad",)).get(timeout=30, propagate=False)
        wait_until(
            lambda: (client.get(SUMMARY).json()["recent"]["failures"] or 0) > 0,
            deadline=30,
            message=lambda: str(client.get(SUMMARY).json()["recent"]),
        )
        recent = client.get(SUMMARY).json()["recent"]
    assert (300, None, True) == (before["window_seconds"], recent["reason"], recent["ended"] >= recent["failures"])
    assert 0 <= recent["success_ratio"] < 1
    assert 0 == recent["retries"]
    assert 0 < recent["duration_seconds"]["p50"] <= recent["duration_seconds"]["p99"]


@pytest.mark.usefixtures("worker")
def test_a_prometheus_that_is_away_is_said(broker: RedisServer) -> None:
    """The summary comes all the same, with the reason."""
    address = f"http://{LOOPBACK}:{free_port()}"
    with service(broker.url, prometheus_url=address) as client:
        recent = client.get(SUMMARY).json()["recent"]
    assert (None, True) == (recent["failures"], address in recent["reason"])
