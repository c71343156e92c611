"""The thread that exports spans: each batch is delivered to everyone once, kept, or dropped and counted."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from celery_otel.core.span_queue import SpanQueue
from celery_otel.failures import FailureLog
from celery_otel.telemetry.span_encoder import RequestFrame
from celery_otel.telemetry.span_loop import THREAD_NAME, Pace, SpanLoop
from celery_otel.telemetry.span_senders import Delivery, SpanSender
from celery_otel_pipeline.polling import wait_until

FRAME = RequestFrame(Resource({"service.name": "shop"}), InstrumentationScope("celery_otel"))


class Sender:
    """Answers as it is told, and keeps the names of the spans that it was sent."""

    def __init__(self, *answers: Delivery | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[list[str]] = []
        self.ended = threading.Event()

    def send(self, request: bytes) -> Delivery:
        """Answers; the last answer is for all that follow."""
        message = ExportTraceServiceRequest.FromString(request)
        self.requests.append([span.name for span in message.resource_spans[0].scope_spans[0].spans])
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def shutdown(self) -> None:
        """Ends."""
        self.ended.set()


class Desk:
    """A loop, its queue, and what it reports."""

    def __init__(self, senders: Mapping[str, SpanSender], complete: Callable[[bool], None], batch: int = 10) -> None:
        self.queue = SpanQueue(1_000_000)
        self.failed: list[str] = []
        self.senders = senders
        self.loop = SpanLoop(
            queue=self.queue,
            frame=FRAME,
            build=self.build,
            complete=complete,
            pace=Pace(0.01, batch),
            failed=self.failed.append,
            log=FailureLog(),
        )

    def build(self) -> Mapping[str, SpanSender]:
        """The senders."""
        return self.senders

    def put(self, *names: str) -> None:
        """Spans end."""
        for name in names:
            self.queue.announce()
            self.queue.put(Span(name=name).SerializeToString())

    def wait_for(self, exported: int, dropped: int = 0) -> None:
        """Waits until so many spans are settled."""
        wait_until(
            lambda: (self.queue.exported, self.queue.dropped) == (exported, dropped),
            deadline=20,
            message=lambda: f"{self.queue.read()}",
        )


Open = Callable[..., Desk]


@pytest.fixture
def open_desk() -> Iterator[Open]:
    """Makes desks whose loops end with the test."""
    with ExitStack() as stack:

        def make(complete: Callable[[bool], None] = lambda _: None, batch: int = 10, **senders: SpanSender) -> Desk:
            desk = Desk(senders, complete, batch)
            stack.callback(desk.loop.join, 20)
            stack.callback(desk.loop.stop)
            return desk

        yield make


def test_spans_go_out_in_batches(open_desk: Open) -> None:
    """All that waits is sent in its order, so many in one request."""
    sender = Sender(Delivery.DONE)
    desk = open_desk(batch=2, otlp=sender)
    desk.put("a", "b", "c")
    desk.loop.start()
    desk.loop.start()
    desk.wait_for(3)
    assert [["a", "b"], ["c"]] == sender.requests
    assert [] == desk.failed


@pytest.mark.parametrize("trouble", [Delivery.LATER, RuntimeError("broken")])
def test_what_fails_comes_again(open_desk: Open, trouble: Delivery | Exception) -> None:
    """A batch that fails, whatever the exporter raises, is sent again until it is taken; each failure is counted."""
    sender = Sender(trouble, trouble, Delivery.DONE)
    desk = open_desk(otlp=sender)
    desk.put("a")
    desk.loop.start()
    desk.wait_for(1)
    assert [["a"]] * 3 == sender.requests
    assert ["otlp", "otlp"] == desk.failed


def test_what_is_refused_is_dropped(open_desk: Open) -> None:
    """A batch that is refused for what it is does not keep those behind it."""
    sender = Sender(Delivery.NEVER, Delivery.DONE)
    desk = open_desk(batch=1, otlp=sender)
    desk.put("bad", "good")
    desk.loop.start()
    desk.wait_for(1, dropped=1)
    assert [["bad"], ["good"]] == sender.requests


def test_everyone_gets_a_batch_once(open_desk: Open) -> None:
    """With two exporters, one of which fails at first, the other gets no span twice."""
    steady, shaky = Sender(Delivery.DONE), Sender(Delivery.LATER, Delivery.DONE)
    desk = open_desk(console=steady, otlp=shaky)
    desk.put("a")
    desk.loop.start()
    desk.wait_for(1)
    assert ([["a"]], [["a"], ["a"]]) == (steady.requests, shaky.requests)


def test_the_end_brings_the_last(open_desk: Open) -> None:
    """At the end what is nearly ready is completed and sent, and the senders are closed."""
    sender = Sender(Delivery.DONE)
    asked: list[bool] = []

    def complete(everything: bool) -> None:  # noqa: FBT001  # the loop's signature
        asked.append(everything)
        if everything:
            desk.put("last")

    desk = open_desk(complete, otlp=sender)
    desk.loop.start()
    wait_until(lambda: asked, deadline=20, message="the loop does not go round")
    desk.loop.stop()
    desk.loop.join(20)
    assert [["last"]] == sender.requests
    assert sender.ended.is_set()
    assert (True, 1) == (asked[-1], desk.queue.exported)
    assert THREAD_NAME not in {thread.name for thread in threading.enumerate()}


def test_what_is_left_at_the_end_is_said(open_desk: Open, caplog: pytest.LogCaptureFixture) -> None:
    """Spans that nobody takes in time are lost with the worker, and the log says how many."""
    desk = open_desk(otlp=Sender(Delivery.LATER))
    desk.put("a", "b")
    desk.loop.start()
    desk.loop.stop()
    desk.loop.join(20)
    assert "celery-otel loses 2 spans with this worker" in caplog.text


def test_a_broken_completion_ends_nothing(open_desk: Open) -> None:
    """If spans cannot be made, those that are there go out all the same."""

    def complete(_: bool) -> None:  # noqa: FBT001  # the loop's signature
        raise RuntimeError("broken")

    sender = Sender(Delivery.DONE)
    desk = open_desk(complete, otlp=sender)
    desk.loop.start()
    desk.put("a")
    desk.wait_for(1)


def test_an_exporter_that_cannot_be_built_is_said(open_desk: Open, caplog: pytest.LogCaptureFixture) -> None:
    """It is counted and logged, and the loop ends by itself."""

    def build() -> Mapping[str, SpanSender]:
        raise ValueError("no such certificate")

    desk = open_desk()
    desk.loop = SpanLoop(
        queue=desk.queue,
        frame=FRAME,
        build=build,
        complete=lambda _: None,
        pace=Pace(0.01, 1),
        failed=desk.failed.append,
        log=FailureLog(),
    )
    desk.loop.start()
    desk.loop.join(20)
    assert ["otlp"] == desk.failed
    assert "an exporter could not be built" in caplog.text


def test_a_loop_that_never_started_has_nothing_to_end(open_desk: Open) -> None:
    """A worker that ends before it is ready has no thread to wait for."""
    desk = open_desk(otlp=Sender(Delivery.DONE))
    desk.loop.stop()
    desk.loop.join(20)
    assert 0 == desk.queue.exported
