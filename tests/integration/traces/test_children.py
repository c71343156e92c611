"""What a pool's children make spans of arrives, however short they live."""

import pytest

from celery_otel_pipeline.ports import free_port
from tests.integration.out_of_the_way.endpoints import Accepting, Refusing, Silent
from tests.integration.traces.conftest import Traced

TASKS = 10
RECYCLED = ("--max-tasks-per-child", "1")


def test_no_span_of_a_child_is_lost(traced: Traced) -> None:
    """With a new child for every task, each span of its HTTP client, its Redis client and its publish arrives."""
    # Longer than any child lives: what arrives was flushed at a child's end.
    traced.worker("application", *RECYCLED, TRACES_LIBRARIES="yes", OTEL_BSP_SCHEDULE_DELAY="60000")
    with Accepting() as server:
        traced.run("traces.fetch", server.url, traced.queue, times=TASKS)
    traced.wait_for({"POST": TASKS, "ECHO": TASKS, f"send {traced.queue}": TASKS})


def test_spans_of_children_are_the_workers(traced: Traced) -> None:
    """A child's spans are of the worker's service and of its one instance, from the child's own process."""
    worker = traced.worker("application", *RECYCLED, OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="process")
    with Accepting() as server:
        traced.run("traces.fetch", server.url, traced.queue, times=3)
    traced.wait_for({f"send {traced.queue}": 3})
    spans = traced.sink.spans(kind="PRODUCER")
    assert {("traces", worker.node_name)} == {(span.service, span.resource["service.instance.id"]) for span in spans}
    pids = [span.resource["process.pid"] for span in spans]
    assert 3 == len(set(pids))
    assert worker.pid not in pids


def test_what_the_broker_is_asked_is_below_the_publish(traced: Traced) -> None:
    """The spans of an instrumented Redis client, on a publish, are children of the producer span."""
    traced.worker(TRACES_LIBRARIES="yes")
    with Accepting() as server:
        traced.run("traces.fetch", server.url, traced.queue)
    traced.wait_for({f"send {traced.queue}": 1})
    (send,) = traced.sink.spans(kind="PRODUCER")
    below = {span.name for span in traced.sink.spans(parent_id=send.span_id)}
    assert "LPUSH" in below
    assert {send.trace_id} == {span.trace_id for span in traced.sink.spans(parent_id=send.span_id)}


def test_the_users_provider_is_flushed_too(traced: Traced) -> None:
    """With a tracer provider of the user's, whose exporter is theirs too, the spans of short-lived children arrive."""
    traced.worker("application", *RECYCLED, TRACES_OWN_PROVIDER="yes", OTEL_BSP_SCHEDULE_DELAY="60000")
    with Accepting() as server:
        traced.run("traces.fetch", server.url, traced.queue, times=TASKS)
    traced.wait_for({f"send {traced.queue}": TASKS})
    assert {"users-own"} == {span.service for span in traced.sink.spans(kind="PRODUCER")}


@pytest.mark.parametrize("provider", ["", "yes"], ids=["ours", "users"])
@pytest.mark.parametrize("kind", [Refusing, Silent])
def test_a_dead_collector_does_not_keep_children(
    traced: Traced, kind: type[Refusing] | type[Silent], provider: str
) -> None:
    """With a collector that refuses or never answers, children end and are replaced: their tasks all run in time."""
    with Accepting() as server, kind() as collector:
        worker = traced.worker(
            "application",
            *RECYCLED,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            # Far longer than what the tasks are waited for: it is not the exporter that lets the children go.
            OTEL_EXPORTER_OTLP_TIMEOUT="600",
            TRACES_OWN_PROVIDER=provider,
        )
        traced.run("traces.fetch", server.url, traced.queue, times=6)
        assert 0 == worker.warm_stop(40)


def test_no_exporter_no_span(traced: Traced) -> None:
    """With OTEL_TRACES_EXPORTER=none there is no span, and metrics arrive."""
    worker = traced.worker(OTEL_TRACES_EXPORTER="none", TRACES_LIBRARIES="yes")
    with Accepting() as server:
        traced.run("traces.fetch", server.url, traced.queue)
    # With its end the last of everything has been exported.
    worker.warm_stop()
    assert {"celery.task.total"} <= set(traced.sink.metrics())
    assert [] == traced.sink.spans()


@pytest.mark.parametrize("exporter", ["none", "prometheus"])
def test_spans_do_not_wait_for_metrics(traced: Traced, exporter: str) -> None:
    """The span of a worker's only task leaves soon, though nobody reads the worker's series."""
    traced.worker(OTEL_METRICS_EXPORTER=exporter, OTEL_EXPORTER_PROMETHEUS_PORT=str(free_port()))
    traced.run("traces.order")
    traced.wait_for({"process traces.order": 1})
