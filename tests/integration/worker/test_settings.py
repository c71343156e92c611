"""The settings do what they say in a real worker."""

import socket

from celery_otel_pipeline.polling import wait_until
from tests.integration.worker.conftest import Shop, eventually, scrape

PREFIX = "tests.integration.worker.application"


def totals(port: int, series: str = "celery_task_total") -> dict[str, float]:
    """The counts of a series that are above zero, by task and last label."""
    return {
        "/".join(value.removeprefix(f"{PREFIX}.") for _, value in sorted(labels)): value
        for (name, labels), value in scrape(port).items()
        if name == series and value
    }


def test_a_wrong_value_ends_the_start_with_one_clear_error(shop: Shop) -> None:
    """The worker does not start, and its last line names the variable, the value and what is valid."""
    worker = shop.worker(wait=False, OTEL_METRIC_EXPORT_INTERVAL="15s")
    worker.process.start()
    wait_until(lambda: not worker.alive, deadline=30, message="the worker started all the same")
    expected = (
        "ConfigurationError: OTEL_METRIC_EXPORT_INTERVAL='15s' cannot be used: "
        "give it a number of milliseconds above 0, or unset it."
    )
    assert expected in worker.log


def test_tasks_are_left_out(shop: Shop, port: int) -> None:
    """A task that matches a pattern is counted nowhere; the others are."""
    shop.worker(
        OTEL_METRICS_EXPORTER="prometheus",
        OTEL_EXPORTER_PROMETHEUS_PORT=str(port),
        CELERY_OTEL_EXCLUDED_TASKS=f"{PREFIX}.ord*",
    )
    shop.run("order")
    shop.run("refuse", "Sad")
    eventually({"failure/refuse": 1.0}, lambda: totals(port))
    assert not [labels for _, labels in scrape(port) if f"{PREFIX}.order" in dict(labels).values()]


def test_labels_are_bounded(shop: Shop, port: int) -> None:
    """Exception classes beyond the limit become _OTHER, and the overflow is counted."""
    shop.worker(
        OTEL_METRICS_EXPORTER="prometheus",
        OTEL_EXPORTER_PROMETHEUS_PORT=str(port),
        CELERY_OTEL_MAX_ERROR_TYPES="2",
    )
    for kind in ("One", "Two", "Three", "Four", "One"):
        shop.run("refuse", kind)
    expected = {"One/refuse": 2.0, "Two/refuse": 1.0, "_OTHER/refuse": 2.0}
    eventually(expected, lambda: totals(port, "celery_task_failures_total"))
    assert {"error_type": 2.0} == totals(port, "celery_otel_label_overflow_total")


def test_unknown_tasks_never_become_labels(shop: Shop, port: int) -> None:
    """A name from the network that is not registered is counted without being named."""
    shop.worker(OTEL_METRICS_EXPORTER="prometheus", OTEL_EXPORTER_PROMETHEUS_PORT=str(port))
    for number in range(3):
        shop.client.send_task(f"made.up.{number}", queue=shop.queue)
    eventually({"": 3.0}, lambda: totals(port, "celery_task_unknown_total"))
    assert not [labels for _, labels in scrape(port) if "made.up" in str(labels)]


def test_buckets_are_configured(shop: Shop, port: int) -> None:
    """The histograms have the buckets that are asked for."""
    shop.worker(
        OTEL_METRICS_EXPORTER="prometheus",
        OTEL_EXPORTER_PROMETHEUS_PORT=str(port),
        CELERY_OTEL_DURATION_BUCKETS="0.5,2",
    )
    shop.run("order")
    bounds = lambda: sorted(  # noqa: E731  # read again and again
        {dict(labels)["le"] for name, labels in scrape(port) if name == "celery_task_duration_seconds_bucket"}
    )
    eventually(["+Inf", "0.5", "2.0"], bounds)


def test_a_worker_has_a_stable_name(shop: Shop, port: int) -> None:
    """The worker's name on labels and resource is the node name, or the one that is given."""
    worker = shop.worker(
        OTEL_METRICS_EXPORTER="prometheus",
        OTEL_EXPORTER_PROMETHEUS_PORT=str(port),
        CELERY_OTEL_WORKER_NAME="orders-0",
    )
    assert worker.node_name.endswith(socket.gethostname())
    names = {dict(labels).get("worker_name") or dict(labels).get("service_instance_id") for _, labels in scrape(port)}
    assert {"orders-0"} == names - {None}


def test_retries_are_counted_with_their_reason(shop: Shop, port: int) -> None:
    """Each attempt of a retried task is one attempt, and the queue time is known for those we published."""
    shop.worker(OTEL_METRICS_EXPORTER="prometheus", OTEL_EXPORTER_PROMETHEUS_PORT=str(port))
    shop.run("shop.again")
    eventually({"retry/shop.again": 1.0, "failure/shop.again": 1.0}, lambda: totals(port))
    assert {"KeyError/shop.again": 1.0} == totals(port, "celery_task_retries_total")
    # The client is not instrumented: only the retry, which the worker published, says when it was published.
    assert {f"{shop.queue}/shop.again": 1.0} == totals(port, "celery_task_queue_time_seconds_count")


def test_the_failure_rate_is_that_of_the_last_minute(shop: Shop, port: int) -> None:
    """A task that has just failed three times has a rate of three failures per minute, the others of none."""
    shop.worker(
        OTEL_METRICS_EXPORTER="prometheus", OTEL_EXPORTER_PROMETHEUS_PORT=str(port), OTEL_TRACES_EXPORTER="none"
    )
    for _ in range(3):
        shop.run("refuse", "Sad")
    eventually({"refuse": 3.0}, lambda: totals(port, "celery_task_failure_rate"))
