"""The shape of traces, as Jaeger has them: what hangs below what, and what points to what."""

import pytest

from celery_otel import attributes
from celery_otel.hooks.tracing import UNKNOWN_TASK
from celery_otel_pipeline.spans import Span
from tests.acceptance.conftest import OpenShop
from tests.acceptance.traced.scene import Shop, child_of, children_of

ORDER, LABEL, AGAIN, POLL = "process shop.order", "process shop.label", "process shop.again", "process shop.poll"


def send(shop: Shop, number: int = 1) -> list[str]:
    """The names of so many producer spans."""
    return [f"send {shop.queue}"] * number


def references(span: Span) -> list[tuple[str, str]]:
    """What a span points to: trace and span. Jaeger's storage keeps no attributes of links."""
    return sorted((link.trace_id, link.span_id) for link in span.links)


def test_a_task_hangs_below_its_request(shop: Shop) -> None:
    """Request, publish and attempt are parent, child and grandchild, of the services producer and worker."""
    visit = shop.visit("order")
    trace = shop.trace(visit.trace_id, ["GET /order", *send(shop), ORDER])
    request, publish, attempt = trace.spans
    assert [None, request.span_id, publish.span_id] == [span.parent_id for span in trace.spans]
    assert ["server", "producer", "consumer"] == [span.kind for span in trace.spans]
    assert ["shop-producer", "shop-producer", "shop"] == [span.service for span in trace.spans]
    assert visit.span_id == request.span_id
    assert visit.task_id == attempt.tags[attributes.MESSAGE_ID]


def test_a_task_hangs_below_the_task_that_published_it(shop: Shop) -> None:
    """A task that calls another is the parent of that publish, in the same trace."""
    visit = shop.visit("ship")
    trace = shop.trace(visit.trace_id, ["GET /ship", *send(shop, 2), "process shop.ship", ORDER])
    request = trace.spans[0]
    ship = child_of(child_of(request, trace), trace)
    order = child_of(child_of(ship, trace), trace)
    assert ["process shop.ship", ORDER] == [ship.operation, order.operation]
    assert ship.tags[attributes.MESSAGE_ID] == order.tags[attributes.TASK_PARENT_ID]
    assert visit.task_id == order.tags[attributes.TASK_ROOT_ID]


def test_a_trace_comes_whole_over_grpc(open_shop: OpenShop) -> None:
    """With gRPC in every process the spans of producer, worker and child arrive as over HTTP."""
    protocol = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with open_shop(grpc=True) as shop:
        shop.worker(**protocol)
        visit = shop.visit("ship", **protocol)
        shop.trace(visit.trace_id, ["GET /ship", *send(shop, 2), "process shop.ship", ORDER])


def test_a_chain_is_a_chain(shop: Shop) -> None:
    """Each task of a chain hangs below the one before, and all know the first as their root."""
    visit = shop.visit("chain")
    trace = shop.trace(visit.trace_id, ["GET /chain", *send(shop, 3), ORDER, LABEL, ORDER])
    line = [trace.spans[0]]
    while below := children_of(line[-1], trace):
        line += below
    assert ["GET /chain", *send(shop), ORDER, *send(shop), LABEL, *send(shop), ORDER] == [s.operation for s in line]
    attempts = [span for span in line if span.kind == "consumer"]
    assert 1 == len({span.tags[attributes.TASK_ROOT_ID] for span in attempts})


def test_the_tasks_of_a_group_know_their_group(shop: Shop) -> None:
    """The tasks of a group hang below one request and carry one group id."""
    visit = shop.visit("group")
    trace = shop.trace(visit.trace_id, ["GET /group", *send(shop, 3), ORDER, ORDER, ORDER])
    publishes = children_of(trace.spans[0], trace)
    attempts = [child_of(publish, trace) for publish in publishes]
    assert {visit.task_id} == {span.tags[attributes.GROUP_ID] for span in attempts}
    assert 3 == len(attempts)


def test_the_body_of_a_chord_points_to_all_headers(shop: Shop) -> None:
    """The body is in the trace, linked to the publish of each header; the headers carry the id of the body's task."""
    visit = shop.visit("chord")
    trace = shop.trace(visit.trace_id, ["GET /chord", *send(shop, 4), ORDER, ORDER, ORDER, LABEL])
    (body,) = (span for span in trace.spans if span.operation == LABEL)
    headers = [span for span in trace.spans if span.operation == ORDER]
    assert sorted((visit.trace_id, str(span.parent_id)) for span in headers) == references(body)
    assert {body.tags[attributes.MESSAGE_ID]} == {span.tags[attributes.CHORD_ID] for span in headers}
    assert attributes.CHORD_ID not in body.tags


def test_a_retry_stays_in_its_trace(shop: Shop) -> None:
    """Each retry is in the trace of its task, linked to the attempt before."""
    visit = shop.visit("again")
    trace = shop.trace(visit.trace_id, ["GET /again", *send(shop, 3), AGAIN, AGAIN, AGAIN])
    first, second, third = (span for span in trace.spans if span.operation == AGAIN)
    assert [] == references(first)
    assert [(visit.trace_id, first.span_id)] == references(second)
    assert [(visit.trace_id, second.span_id)] == references(third)
    assert [0, 1, 2] == [span.tags[attributes.TASK_RETRIES] for span in (first, second, third)]
    assert ["RETRY", "RETRY", "FAILURE"] == [span.tags[attributes.TASK_STATE] for span in (first, second, third)]
    assert ["unset", "unset", "error"] == [span.status for span in (first, second, third)]


def test_a_ladder_is_one_trace_unless_told_otherwise(shop: Shop) -> None:
    """A task that publishes itself twice is one trace of three attempts."""
    visit = shop.visit("poll")
    trace = shop.trace(visit.trace_id, ["GET /poll", *send(shop, 3), POLL, POLL, POLL])
    assert {visit.trace_id} == {span.trace_id for span in trace.spans}


def test_a_ladder_can_be_a_trace_per_rung(own_shop: Shop) -> None:
    """With CELERY_OTEL_NEW_TRACE_TASKS each publish begins a trace, whose root points to the span that published it."""
    ladder = {"CELERY_OTEL_NEW_TRACE_TASKS": "shop.po*"}
    own_shop.worker(**ladder)
    visit = own_shop.visit("poll", **ladder)
    request = own_shop.trace(visit.trace_id, ["GET /poll"]).spans[0]
    rungs = own_shop.attempts("shop", POLL, 3)
    above = request
    for attempt in rungs:
        publish, found = own_shop.trace(attempt.trace_id, [*send(own_shop), POLL]).spans
        assert None is publish.parent_id
        assert publish.span_id == found.parent_id
        assert [(above.trace_id, above.span_id)] == references(publish)
        above = found
    assert 4 == len({visit.trace_id, *(span.trace_id for span in rungs)})


def test_every_run_of_beat_is_a_trace(own_shop: Shop) -> None:
    """What beat publishes is the root of a trace of its own, and its attempt the only thing below."""
    own_shop.worker()
    own_shop.beat(SHOP_PERIOD="0.5", OTEL_SERVICE_NAME="shop-beat")
    runs = own_shop.attempts("shop", ORDER, 3)
    assert 3 == len({span.trace_id for span in runs})
    for attempt in runs:
        publish, found = own_shop.trace(attempt.trace_id, [*send(own_shop), ORDER]).spans
        assert (None, "shop-beat") == (publish.parent_id, publish.service)
        assert publish.span_id == found.parent_id


@pytest.mark.parametrize("page", ["eager", "always_eager"])
def test_an_eager_task_is_a_span_of_its_caller(shop: Shop, page: str) -> None:
    """A task that is called and not published is one span below the request, in the web server's process."""
    name = LABEL if page == "eager" else ORDER
    visit = shop.visit(page)
    request, task = shop.trace(visit.trace_id, [f"GET /{page}", name]).spans
    assert (request.span_id, "internal", "shop-producer") == (task.parent_id, task.kind, task.service)
    assert visit.task_id == task.tags[attributes.MESSAGE_ID]
    assert ("blue" if page == "eager" else None) == task.tags.get("shop.label")


def test_an_eager_task_in_a_task_is_below_it(shop: Shop) -> None:
    """A task that runs another where it is has it as a child, and the worker's service has both."""
    visit = shop.visit("pack")
    trace = shop.trace(visit.trace_id, ["GET /pack", *send(shop), "process shop.pack", ORDER])
    pack = child_of(child_of(trace.spans[0], trace), trace)
    order = child_of(pack, trace)
    assert [("consumer", "shop"), ("internal", "shop")] == [(span.kind, span.service) for span in (pack, order)]


def test_a_publish_that_fails_ends_with_its_error(shop: Shop) -> None:
    """A publish to a broker that is away is one producer span with the error, and nothing below it."""
    visit = shop.visit("refused")
    request, publish = shop.trace(visit.trace_id, ["GET /refused", *send(shop)]).spans
    assert ("producer", request.span_id, "error") == (publish.kind, publish.parent_id, publish.status)
    assert "OperationalError" == publish.tags[attributes.ERROR_TYPE]


def test_a_task_that_nobody_knows_has_a_span(shop: Shop) -> None:
    """A message for a task that is not registered is a short span that says so, without its name in the span's."""
    visit = shop.visit("unknown")
    trace = shop.trace(visit.trace_id, ["GET /unknown", *send(shop), f"process {UNKNOWN_TASK}"])
    attempt = trace.spans[-1]
    assert ("error", UNKNOWN_TASK) == (attempt.status, attempt.tags[attributes.ERROR_TYPE])
    assert "shop.nowhere" == attempt.tags[attributes.TASK_NAME]


def test_without_instrumentation_in_the_producer_a_trace_begins_at_the_worker(shop: Shop) -> None:
    """Tasks of a web server that is not instrumented run, each in a trace of its own with nothing above."""
    visit = shop.visit("pid", SHOP_BARE="yes")
    assert isinstance(shop.result(visit), int)
    (attempt,) = shop.attempts("shop", "process shop.pid", 1, task_id=visit.task_id)
    assert (None, "consumer") == (attempt.parent_id, attempt.kind)
    assert 1 == len(shop.trace(attempt.trace_id, ["process shop.pid"]).spans)


def test_without_instrumentation_in_the_worker_a_trace_ends_at_the_publish(own_shop: Shop) -> None:
    """A worker that is not instrumented runs what an instrumented web server publishes."""
    own_shop.worker(SHOP_BARE="yes")
    visit = own_shop.visit("pid")
    assert isinstance(own_shop.result(visit), int)
    own_shop.trace(visit.trace_id, ["GET /pid", *send(own_shop)])
