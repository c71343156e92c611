"""`celery otel doctor` on a set-up that is well, and on some that are not."""

from pathlib import Path

from celery import Celery

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.prometheus import PrometheusServer
from tests.integration.commands.conftest import PLAIN, Shop


def test_all_is_well(shop: Shop, tmp_path: Path) -> None:
    """With broker, worker, collector and Prometheus in order no problem is found, and the exit status is 0."""
    with (
        Collector(tmp_path / "collector") as collector,
        PrometheusServer(tmp_path / "prometheus", targets={"celery_workers": collector.metrics_target}) as prometheus,
    ):
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.otlp_http_endpoint}
        shop.worker("one", env=env)
        series = 'celery_worker_pool_size{worker_name=~"one@.*"}'
        wait_until(lambda: prometheus.query(series), deadline=30, message="Prometheus has no series")
        where = ("--collector-metrics", collector.metrics_url, "--prometheus", prometheus.url)
        found = shop.run("doctor", "--json", *where, **env)
    assert (0, {}, {"environment", "task_track_started", "Prometheus's scrapes"}) == (
        found.status,
        found.found("problem"),
        set(found.found("warning")),
    )
    well = found.found("ok")
    assert (f"{collector.otlp_http_endpoint}/v1/metrics takes exports", True, True) == (
        well["collector"],
        well["collector's metrics"].endswith("has 1 worker, fresh"),
        well["Prometheus"].endswith("has 1 worker, fresh"),
    )


def test_scraped_twice(shop: Shop, tmp_path: Path) -> None:
    """Two jobs that scrape the same series are a problem that names both."""
    with Collector(tmp_path / "collector") as collector:
        targets = {"celery_workers": collector.metrics_target, "api": collector.metrics_target}
        with PrometheusServer(tmp_path / "prometheus", targets=targets) as prometheus:
            env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.otlp_http_endpoint}
            shop.worker("one", env=env)
            wait_until(
                lambda: len(prometheus.query("celery_worker_pool_size")) > 1, deadline=30, message="no second series"
            )
            found = shop.run("doctor", "--json", "--prometheus", prometheus.url, **env)
    said = found.found("problem")["Prometheus counts twice"]
    assert (1, True, True) == (found.status, "celery_workers at" in said, "api at" in said)


def test_no_broker(nowhere: Shop) -> None:
    """Without a broker that is the problem, and nothing is said of workers."""
    found = nowhere.run("doctor", "--json")
    problems = found.found("problem")
    assert (1, True, False) == (found.status, "broker" in problems, "workers" in problems)
    assert "hunter2" not in found.output + found.errors


def test_no_worker(shop: Shop) -> None:
    """Without a worker that is a problem, and so is a queue in which something waits."""
    with Celery("client", broker=shop.url, set_as_current=False) as client:
        client.send_task("shop.order", queue="celery")
    found = shop.run("doctor", "--json")
    problems = found.found("problem")
    assert (1, "none answered", "1 message and no worker that answered consumes it") == (
        found.status,
        problems["workers"],
        problems["queue celery"],
    )


def test_a_plain_worker_beside_an_instrumented_one(shop: Shop) -> None:
    """The worker that is not instrumented is named, and the other one is not."""
    worker, plain = shop.worker("one"), shop.worker("plain", app=PLAIN)
    found = shop.run("doctor", "--json")
    named = {what for what, said in found.found("problem").items() if said.startswith("not instrumented")}
    assert (1, {f"worker {plain.node_name}"}) == (found.status, named)
    assert worker.node_name in found.found("ok")["workers"]


def test_a_collector_that_is_away(shop: Shop) -> None:
    """A collector that nobody reaches is a problem, which names where it should be."""
    shop.worker("one")
    endpoint = f"http://{LOOPBACK}:{free_port()}"
    found = shop.run("doctor", "--json", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
    problems = found.found("problem")
    assert (1, {"collector"}, True) == (
        found.status,
        set(problems),
        problems["collector"].startswith(f"{endpoint}/v1/metrics is not reachable"),
    )


def test_two_workers_of_one_name(shop: Shop) -> None:
    """Two workers that answer under one name are a problem."""
    worker = shop.worker("one", log="first")
    shop.worker("one", log="second")
    found = shop.run("doctor", "--json")
    expected = "more than one worker answers under this name"
    assert expected == found.found("problem")[f"worker {worker.node_name}"]


def test_the_report(shop: Shop) -> None:
    """For people, each finding begins with its mark, without a colour in a pipe, and the last line counts them."""
    shop.worker("one")
    found = shop.run("doctor")
    lines = found.output.splitlines()
    assert (True, False) == (lines[0].startswith("ok       broker: redis://"), "\x1b" in found.output)
    assert lines[-1].startswith("1 problem, ")
