"""The body of a chord is told which spans published its headers."""

import pytest

from tests.integration.traces.conftest import Traced

HEADERS = 5


def test_the_body_names_every_header(traced: Traced) -> None:
    """Whichever header ends last, the body's message names the producer spans of all of them."""
    traced.worker()
    body = traced.client.send_task("traces.fan_out", [traced.queue, HEADERS], queue=traced.queue).get(timeout=30)
    count, links = traced.client.AsyncResult(body).get(timeout=30)
    assert HEADERS == count
    # One more for the body itself.
    traced.wait_for({f"send {traced.queue}": HEADERS + 1})
    published = {
        span.span_id
        for span in traced.sink.spans(kind="PRODUCER")
        if span.attributes["celery.task.name"] == "traces.order"
    }
    assert published == {traceparent.split("-")[2] for traceparent in links.split(",")}


@pytest.mark.parametrize("headers", [1, 2, HEADERS])
def test_headers_from_a_generator_all_count(traced: Traced, headers: int) -> None:
    """The body runs when all of them have ended, with all their results; it knows no span of theirs."""
    traced.worker()
    sent = traced.client.send_task("traces.fan_out", [traced.queue, headers], {"lazily": True}, queue=traced.queue)
    assert [headers, ""] == traced.client.AsyncResult(sent.get(timeout=30)).get(timeout=30)
