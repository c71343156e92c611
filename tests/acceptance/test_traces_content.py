"""What the spans of attempts say, as Jaeger has it: the truth about every kind of end, and nothing private."""

import time

import pytest

from celery_otel import attributes
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.spans import Span
from tests.acceptance.traced.application import DYING, SECRET
from tests.acceptance.traced.scene import PATIENCE, Shop, Visit

TYPE, STACK, MESSAGE = "exception.type", "exception.stacktrace", "exception.message"
APPLICATION = "tests.acceptance.traced.application"


def attempt_of(shop: Shop, visit: Visit, page: str) -> Span:
    """The only attempt of a page's task."""
    (span,) = shop.only(visit.trace_id, f"process shop.{page}")
    return span


def ended(shop: Shop, page: str) -> Span:
    """The only attempt of the task of a page that is visited now."""
    return attempt_of(shop, shop.visit(page), page)


def test_a_span_says_which_child_ran_it(shop: Shop) -> None:
    """`process.pid` is the child's own process id."""
    visit = shop.visit("pid")
    assert shop.result(visit) == attempt_of(shop, visit, "pid").tags[attributes.PROCESS_PID]


def test_a_span_knows_its_message(shop: Shop) -> None:
    """Task id and correlation id are those of the message."""
    visit = shop.visit("order")
    span = attempt_of(shop, visit, "order")
    ids = (span.tags[attributes.MESSAGE_ID], span.tags[attributes.CONVERSATION_ID])
    assert (visit.task_id, visit.task_id) == ids
    assert shop.queue == span.tags[attributes.DESTINATION_NAME]


@pytest.mark.parametrize(
    ("page", "state", "error", "kind"),
    [
        ("order", "SUCCESS", None, None),
        ("fail", "FAILURE", "LookupError", "LookupError"),
        ("unpicklable", "FAILURE", "UnpicklableError", f"{APPLICATION}.UnpicklableError"),
        ("impatient", "FAILURE", "SoftTimeLimitExceeded", "billiard.exceptions.SoftTimeLimitExceeded"),
        ("expected", "FAILURE", None, f"{APPLICATION}.ExpectedError"),
        ("ignore", "IGNORED", None, None),
        ("reject", "REJECTED", None, None),
        ("too_long", "FAILURE", "timeout", None),
        ("die", "FAILURE", "worker_lost", None),
    ],
)
def test_a_span_says_how_it_ended(shop: Shop, page: str, state: str, error: str | None, kind: str | None) -> None:
    """State, status, `error.type` and the exception's own class are those of the end; what is no error has no error."""
    span = ended(shop, page)
    assert (state, state) == (span.tags[attributes.TASK_STATE], span.tags[attributes.UPSTREAM_STATE])
    assert ("error" if error else "unset", error) == (span.status, span.tags.get(attributes.ERROR_TYPE))
    assert ([kind] if kind else []) == [event.tags[TYPE] for event in span.events if event.name == "exception"]


def test_an_expired_task_has_a_short_span(shop: Shop) -> None:
    """What expired before it started says so, and is no error."""
    visit = shop.visit("expired")
    span = attempt_of(shop, visit, "order")
    assert ("REVOKED", "expired", "unset") == (
        span.tags[attributes.TASK_STATE],
        span.tags[attributes.REVOKED_CAUSE],
        span.status,
    )
    assert attributes.PROCESS_PID not in span.tags


def test_a_terminated_task_has_its_true_times(shop: Shop) -> None:
    """A task that is killed by a revoke began before it and ended after it, with the error `terminated`."""
    visit = shop.visit("long")
    wait_until(lambda: started(shop, visit), deadline=PATIENCE, message="the task does not start")
    before = time.time_ns()
    shop.client.control.revoke(visit.task_id, terminate=True)
    span = attempt_of(shop, visit, "sleep")
    assert span.start_ns < before < span.end_ns
    assert ("error", "terminated") == (span.status, span.tags[attributes.ERROR_TYPE])
    assert ("REVOKED", "terminated") == (span.tags[attributes.TASK_STATE], span.tags[attributes.REVOKED_CAUSE])
    assert attributes.PROCESS_PID in span.tags


def started(shop: Shop, visit: Visit) -> bool:
    """Whether a worker runs the task."""
    replies = shop.client.control.inspect(timeout=2).active() or {}
    return any(task["id"] == visit.task_id for tasks in replies.values() for task in tasks)


@pytest.mark.parametrize(("page", "seconds"), [("too_long", 1.0), ("die", DYING)])
def test_a_killed_task_has_its_true_length(shop: Shop, page: str, seconds: float) -> None:
    """A task that exceeded its hard limit, or whose child died, is as long as it lived, and knows its child."""
    visit = shop.visit(page)
    (publish,) = shop.only(visit.trace_id, f"send {shop.queue}")
    span = attempt_of(shop, visit, page)
    assert publish.start_ns < span.start_ns
    assert seconds <= span.duration
    assert attributes.PROCESS_PID in span.tags


def test_an_exception_is_told_without_what_it_says(shop: Shop) -> None:
    """Class and stack of the whole chain are there; no message, argument or result is on any span of the trace."""
    visit = shop.visit("fail")
    (event,) = attempt_of(shop, visit, "fail").events
    assert {TYPE, STACK} == set(event.tags)
    assert ["ValueError", "LookupError"] == [line for line in event.tags[STACK].splitlines() if line.endswith("Error")]
    assert SECRET not in repr(shop.trace(visit.trace_id, ["GET /fail", f"send {shop.queue}", "process shop.fail"]))


def test_arguments_and_results_are_not_told(shop: Shop) -> None:
    """Without being asked for, neither arguments nor the result are on any span of the trace."""
    visit = shop.visit("arguments")
    trace = shop.trace(visit.trace_id, ["GET /arguments", f"send {shop.queue}", "process shop.order"])
    assert SECRET == shop.result(visit)
    assert SECRET not in repr(trace)


def test_content_is_told_on_request(own_shop: Shop) -> None:
    """With CELERY_OTEL_CAPTURE_CONTENT spans carry arguments, result, and what an exception says."""
    content = {"CELERY_OTEL_CAPTURE_CONTENT": "true"}
    own_shop.worker(**content)
    visit = own_shop.visit("arguments", **content)
    tags = attempt_of(own_shop, visit, "order").tags
    assert f"('{SECRET}',)" == tags[attributes.TASK_ARGS]
    assert f"{{'card': '{SECRET}'}}" == tags[attributes.TASK_KWARGS]
    assert f"'{SECRET}'" == tags[attributes.TASK_RESULT]
    (event,) = attempt_of(own_shop, own_shop.visit("fail"), "fail").events
    assert f"{SECRET}\nand more of {SECRET}" == event.tags[MESSAGE]
    assert f"LookupError: {SECRET}" in event.tags[STACK]


def test_what_a_task_sets_on_its_span_is_there(shop: Shop) -> None:
    """An attribute that a task sets on its current span arrives on the attempt's span."""
    assert "blue" == ended(shop, "label").tags["shop.label"]
