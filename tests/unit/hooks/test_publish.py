"""A span around every publish, and what the message carries of it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery import Celery, signals
from celery.canvas import chain, chord, group
from celery.exceptions import Retry
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracer, SpanKind, StatusCode

from celery_otel import attributes
from celery_otel.hooks.chords import MAX_LINKS
from celery_otel.hooks.publish import PublishInstrumentor
from celery_otel.settings import Settings
from celery_otel.stamps import LINKS, PREVIOUS, PUBLISHED_AT, TRACEPARENT, TRACESTATE
from celery_otel.telemetry.producer_spans import SCHEMA, ProducerSpans, tracer_of
from celery_otel_pipeline.ports import free_port

TELEMETRY = yaml.safe_load(
    (Path(__file__).parents[3] / "instrumentation" / "celery_otel" / "telemetry.yaml").read_text()
)
NOW = 1_700_000_000.25
QUICKLY = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}


class Shop:
    """An application that publishes into this process's memory, its spans, and the headers of its messages."""

    def __init__(self, broker: str = "memory://", **environ: str) -> None:
        self.app = Celery("shop", broker=broker, backend="cache+memory://", set_as_current=False)
        self.app.conf.task_publish_retry = False
        # Kombu waits between its tries to connect, unless told otherwise.
        self.app.conf.broker_transport_options = QUICKLY
        self.app.task(name="shop.order", shared=False)(_order)
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = self.provider.get_tracer("test")
        self.settings = Settings.read(environ)
        self.instrumentor = PublishInstrumentor(self.app, self.settings, self._spans, lambda: NOW)
        self.instrumentor.instrument(tracer_provider=self.provider)
        self.headers: list[dict[str, Any]] = []
        signals.after_task_publish.connect(self._keep, weak=False)

    def _spans(self, provider: trace.TracerProvider | None) -> ProducerSpans:
        tracer = NoOpTracer() if self.settings.disabled else tracer_of(provider)
        return ProducerSpans(tracer, self.settings.starts_new_trace, content=self.settings.capture_content)

    def _keep(self, headers: dict[str, Any], **_: Any) -> None:
        self.headers.append(dict(headers))

    @property
    def spans(self) -> list[ReadableSpan]:
        """Every span that has ended, without the test's own."""
        return [span for span in self.exporter.get_finished_spans() if span.kind is SpanKind.PRODUCER]

    @property
    def span(self) -> ReadableSpan:
        """The only one."""
        (span,) = self.spans
        return span

    def close(self) -> None:
        """Takes it all back."""
        signals.after_task_publish.disconnect(self._keep)
        self.instrumentor.uninstrument()
        self.app.close()


def _order(number: int = 0) -> int:
    """Does nothing."""
    return number


Open = Callable[..., Shop]


@pytest.fixture
def open_shop() -> Iterator[Open]:
    """Makes applications that end with the test."""
    with ExitStack() as stack:

        def make(*args: str, **environ: str) -> Shop:
            shop = Shop(*args, **environ)
            stack.callback(shop.close)
            return shop

        yield make


@pytest.fixture
def shop(open_shop: Open) -> Shop:
    """An application with the defaults."""
    return open_shop()


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    """The attributes of a span."""
    return dict(span.attributes or {})


def test_a_publish_is_a_producer_span(shop: Shop) -> None:
    """A publish ends as one span of the kind PRODUCER, named after its queue, with the conventions' attributes."""
    shop.app.tasks["shop.order"].apply_async((1,), task_id="an-id", queue="orders")
    span = shop.span
    assert ("send orders", SpanKind.PRODUCER, StatusCode.UNSET) == (span.name, span.kind, span.status.status_code)
    assert span.instrumentation_scope is not None
    assert SCHEMA == span.instrumentation_scope.schema_url
    expected = {
        "messaging.system": "memory",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "orders",
        "messaging.message.id": "an-id",
        "messaging.message.conversation_id": "an-id",
        "celery.task.name": "shop.order",
        "celery.task.retries": 0,
        "celery.action": "apply_async",
        "celery.task_name": "shop.order",
        "messaging.destination": "orders",
        "messaging.destination_kind": "queue",
    }
    assert expected == attributes_of(span)


def test_the_message_carries_the_span(shop: Shop) -> None:
    """The worker finds the producer span as the parent, and the time of publishing, in the message's headers."""
    shop.app.send_task("shop.order")
    context = shop.span.context
    assert context is not None
    (headers,) = shop.headers
    assert f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}" == headers["traceparent"]
    assert NOW == float(headers[PUBLISHED_AT])


def test_the_span_is_current_while_it_is_published(shop: Shop) -> None:
    """What the broker's client does is a child of the producer span; afterwards what was current is so again."""
    inside: list[trace.SpanContext] = []

    def look(**_: Any) -> None:
        inside.append(trace.get_current_span().get_span_context())

    signals.after_task_publish.connect(look)
    with shop.tracer.start_as_current_span("request") as request:
        shop.app.send_task("shop.order")
        assert request is trace.get_current_span()
    assert [shop.span.context] == inside
    assert shop.span.parent is not None
    assert request.get_span_context().span_id == shop.span.parent.span_id


def test_an_unknown_name_has_its_true_duration(shop: Shop) -> None:
    """A task that this process does not know has a span from the call to its end."""
    before: list[int] = []
    signals.after_task_publish.connect(lambda **_: before.append(len(shop.spans)), weak=False, dispatch_uid="count")
    try:
        shop.app.send_task("far.away")
    finally:
        signals.after_task_publish.disconnect(dispatch_uid="count")
    assert [0] == before, "the span ended before the message was sent"
    assert "far.away" == attributes_of(shop.span)[attributes.TASK_NAME]
    assert int(NOW * 1e9) == shop.span.start_time


def test_a_failed_publish_ends_as_an_error(open_shop: Open) -> None:
    """With nobody at the broker's port, the span ends with error and stack, says no more, and leaks no context."""
    port = free_port()
    shop = open_shop(f"redis://127.0.0.1:{port}/0")
    for _ in range(2):
        with pytest.raises(OperationalError):
            shop.app.tasks["shop.order"].delay(1)
        assert trace.INVALID_SPAN is trace.get_current_span()
    first, second = shop.spans
    assert first.parent is None
    assert second.parent is None
    assert StatusCode.ERROR is first.status.status_code
    assert first.status.description is None
    assert "OperationalError" == attributes_of(first)[attributes.ERROR_TYPE]
    assert ("redis", "127.0.0.1", port) == tuple(
        attributes_of(first)[key] for key in (attributes.SYSTEM, attributes.SERVER_ADDRESS, attributes.SERVER_PORT)
    )
    (event,) = first.events
    told = dict(event.attributes or {})
    assert ("exception", "kombu.exceptions.OperationalError") == (event.name, told["exception.type"])
    assert "in _reraise_as_library_errors" in str(told["exception.stacktrace"])
    assert "refused" not in str(told)


def test_what_an_exception_says_is_told_on_request(open_shop: Open) -> None:
    """With CELERY_OTEL_CAPTURE_CONTENT the message of the exception is on the span."""
    shop = open_shop(f"redis://127.0.0.1:{free_port()}/0", CELERY_OTEL_CAPTURE_CONTENT="true")
    with pytest.raises(OperationalError):
        shop.app.send_task("shop.order")
    assert "refused" in str(dict(shop.span.events[0].attributes or {})["exception.message"])


def test_a_publish_that_fails_before_its_queue_is_known(shop: Shop) -> None:
    """What fails before Celery has found the way has a span too."""
    with pytest.raises(TypeError):
        shop.app.send_task("shop.order", args=5, task_id="an-id", queue="orders")
    assert ("send orders", StatusCode.ERROR) == (shop.span.name, shop.span.status.status_code)
    assert "an-id" == attributes_of(shop.span)[attributes.MESSAGE_ID]


def test_an_unserializable_argument_is_an_error(shop: Shop) -> None:
    """A publish that fails in the middle ends with its error."""
    with pytest.raises(Exception, match="not JSON serializable"):
        shop.app.send_task("shop.order", args=[object()])
    assert StatusCode.ERROR is shop.span.status.status_code


def test_retries_of_publishing_are_visible(open_shop: Open) -> None:
    """Each new try to publish is an event, and their number an attribute; the user's errback is called."""
    shop = open_shop(f"redis://127.0.0.1:{free_port()}/0")
    heard: list[BaseException] = []
    with pytest.raises(OperationalError):
        shop.app.send_task(
            "shop.order", retry=True, retry_policy={**QUICKLY, "errback": lambda error, _: heard.append(error)}
        )
    retries = [event for event in shop.span.events if event.name == "celery.publish.retry"]
    assert len(heard) == len(retries) > 0
    assert len(retries) == attributes_of(shop.span)[attributes.PUBLISH_RETRIES]
    assert {"ConnectionError"} == {dict(event.attributes or {})[attributes.ERROR_TYPE] for event in retries}


def test_a_new_trace_on_request(open_shop: Open) -> None:
    """Publishing a task of CELERY_OTEL_NEW_TRACE_TASKS begins a trace, linked to where it was published."""
    shop = open_shop(CELERY_OTEL_NEW_TRACE_TASKS="shop.poll*")
    with shop.tracer.start_as_current_span("request") as request:
        shop.app.send_task("shop.poll.again")
        shop.app.send_task("shop.order")
    poll, order = shop.spans
    ambient = request.get_span_context()
    assert poll.parent is None
    assert poll.context is not None
    assert ambient.trace_id != poll.context.trace_id
    assert [(ambient.span_id, {"celery.link": "publisher"})] == [
        (link.context.span_id, dict(link.attributes or {})) for link in poll.links
    ]
    assert order.parent is not None
    assert () == tuple(order.links)


def test_a_canvas_publishes_one_span_each(shop: Shop) -> None:
    """A group has a span for each of its tasks, a chain one for its first."""
    order = shop.app.signature("shop.order", immutable=True)
    group([order.clone(), order.clone()], app=shop.app).apply_async()
    assert 2 == len(shop.spans)
    chain(order.clone(), order.clone(), app=shop.app).apply_async()
    assert 3 == len(shop.spans)


@pytest.mark.parametrize("ambient", [True, False], ids=["in-a-request", "alone"])
def test_a_chords_body_points_to_its_headers(shop: Shop, ambient: bool) -> None:  # noqa: FBT001  # a parameter
    """Every header of a chord carries a body that names the spans which publish them, in one trace or in several."""
    order = shop.app.signature("shop.order", immutable=True)
    bodies: list[Any] = []

    def keep(sender: str, body: Any, **_: Any) -> None:
        if sender == "shop.order":
            bodies.append(body[2]["chord"])

    signals.after_task_publish.connect(keep)
    with shop.tracer.start_as_current_span("request") if ambient else nullcontext():
        chord([order.clone() for _ in range(3)], shop.app.signature("shop.sum"), app=shop.app).apply_async()
    contexts = [span.context for span in shop.spans if attributes_of(span)[attributes.TASK_NAME] == "shop.order"]
    expected = [f"{context.trace_id:032x}-{context.span_id:016x}" for context in contexts if context is not None]
    assert (1 if ambient else 3) == len({traceparent[:32] for traceparent in expected})
    assert [expected] * 3 == [
        [traceparent[3:52] for traceparent in body["options"]["headers"][LINKS].split(",")] for body in bodies
    ]


def _bodies(app: Celery, headers: Iterable[Any]) -> list[Any]:
    """The bodies that the headers of a chord carry, which is published."""
    bodies: list[Any] = []

    def keep(sender: str, body: Any, **_: Any) -> None:
        bodies.append(body[2]["chord"] if sender == "shop.order" else None)

    signals.after_task_publish.connect(keep)
    chord(headers, app.signature("shop.sum"), app=app).apply_async()
    return [body for body in bodies if body is not None]


def _made_after(app: Celery, number: int) -> tuple[list[int], list[Any]]:
    """How many headers of a chord were published when each of so many was made, and the bodies that they carry."""
    published: list[str] = []
    made: list[int] = []

    def keep(sender: str, **_: Any) -> None:
        published.append(sender)

    def headers() -> Iterator[Any]:
        for _ in range(number):
            made.append(len(published))
            yield app.signature("shop.order", immutable=True)

    signals.after_task_publish.connect(keep)
    bodies = _bodies(app, headers())
    return made, bodies


def test_a_chord_of_many_headers_points_to_the_first(shop: Shop) -> None:
    """A body's links are bounded."""
    order = shop.app.signature("shop.order", immutable=True)
    headers = [body["options"]["headers"] for body in _bodies(shop.app, [order.clone() for _ in range(100)])]
    assert 100 == len(headers)
    assert {MAX_LINKS} == {len(found[LINKS].split(",")) for found in headers}
    published = {f"{span.context.span_id:016x}" for span in shop.spans if span.context is not None}
    assert published >= {traceparent.split("-")[2] for traceparent in headers[0][LINKS].split(",")}


@pytest.mark.parametrize("number", [1, 2, 3, 100])
def test_headers_from_a_generator_are_left_alone(open_shop: Open, number: int) -> None:
    """Each is made when as many are published as without instrumentation, and all are; the body has no links."""
    bare = Celery("bare", broker="memory://", backend="cache+memory://", set_as_current=False)
    expected, _ = _made_after(bare, number)
    made, bodies = _made_after(open_shop().app, number)
    assert expected == made
    assert number == len(bodies)
    assert not any(LINKS in (body["options"].get("headers") or {}) for body in bodies)


def test_a_retry_says_which_attempt_was_before(shop: Shop) -> None:
    """A retry is published from within its task: same trace, with the attempt's own span as what was before."""
    own = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    task = shop.app.task(name="shop.again", bind=True, shared=False)(_again)
    headers = {
        TRACEPARENT: own,
        TRACESTATE: "",
        PREVIOUS: "older",
        PUBLISHED_AT: "1.0",
        "traceparent": "old",
        "mine": 1,
    }
    task.push_request(id="an-id", called_directly=False, **headers)
    try:
        with shop.tracer.start_as_current_span("inside") as inside, pytest.raises(Retry):
            task.run()
    finally:
        task.pop_request()
    (sent,) = shop.headers
    assert own == sent[PREVIOUS]
    assert {TRACEPARENT, TRACESTATE}.isdisjoint(sent)
    assert f"{NOW:.6f}" == sent[PUBLISHED_AT]
    assert 1 == sent["mine"]
    assert ("an-id", 1) == (
        attributes_of(shop.span)[attributes.MESSAGE_ID],
        attributes_of(shop.span)["celery.task.retries"],
    )
    assert shop.span.parent is not None
    assert inside.get_span_context().span_id == shop.span.parent.span_id


def _again(self: Any) -> None:
    """Asks for a retry."""
    raise self.retry(countdown=0)


def test_a_retry_from_the_main_process_stays_in_its_trace(shop: Shop) -> None:
    """Where no span is current, the attempt's own is the parent: Celery publishes some retries from MAIN."""
    own = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    shop.app.send_task("shop.order", task_id="an-id", retries=1, headers={TRACEPARENT: own, TRACESTATE: "shop=1"})
    assert shop.span.parent is not None
    assert ("a" * 32, "b" * 16) == (f"{shop.span.parent.trace_id:032x}", f"{shop.span.parent.span_id:016x}")
    (sent,) = shop.headers
    assert "shop=1" == sent["tracestate"]


def test_stale_headers_are_taken_out(shop: Shop) -> None:
    """Our stamps for a child never travel, and what a copy carries of an older trace is replaced as a whole."""
    old = {TRACEPARENT: "x", TRACESTATE: "y", PREVIOUS: "z", "tracestate": "old=1", "baggage": "old=1"}
    shop.app.send_task("shop.order", headers=old)
    (sent,) = shop.headers
    assert {TRACEPARENT, TRACESTATE, PREVIOUS, "tracestate", "baggage"}.isdisjoint(sent)


def test_without_the_sdk_the_trace_is_passed_on(open_shop: Open) -> None:
    """With OTEL_SDK_DISABLED there is no span, and the message still carries the time and the trace it is in."""
    shop = open_shop(OTEL_SDK_DISABLED="true")
    with shop.tracer.start_as_current_span("request") as request:
        shop.app.send_task("shop.order")
    assert [] == shop.spans
    (sent,) = shop.headers
    assert f"{request.get_span_context().span_id:016x}" == sent["traceparent"].split("-")[2]
    assert NOW == float(sent[PUBLISHED_AT])


def test_attributes_are_bounded(shop: Shop) -> None:
    """However long names are, and whatever is in them, the span stays small and can be encoded."""
    shop.app.send_task("x" * 10_000, task_id="i" * 10_000, queue="q\udcff" + "q" * 10_000)
    values = [value for value in attributes_of(shop.span).values() if isinstance(value, str)]
    assert 200 == max(len(value) for value in values) == len(shop.span.name)
    assert "q?" in shop.span.name.encode().decode()


@pytest.mark.parametrize(
    ("expected", "options"),
    [
        ("celery", {}),
        ("orders", {"queue": "orders"}),
        ("urgent", {"queue": Queue("urgent", Exchange("shop", type="topic"), routing_key="shop.urgent")}),
        ("shop:shop.order", {"exchange": "shop", "routing_key": "shop.order"}),
        ("orders", {"exchange": "celery_delayed_27", "routing_key": "0.1." * 14 + "orders"}),
    ],
)
def test_where_it_goes(shop: Shop, expected: str, options: dict[str, Any]) -> None:
    """The destination is the queue where there is one, else exchange and routing key; a delay is no part of it."""
    shop.app.send_task("shop.order", **options)
    assert f"send {expected}" == shop.span.name


def test_the_size_on_request(open_shop: Open) -> None:
    """With CELERY_OTEL_CAPTURE_MESSAGE_SIZE the size of the serialized body is on the span."""
    shop = open_shop(CELERY_OTEL_CAPTURE_MESSAGE_SIZE="true")
    shop.app.send_task("shop.order", args=["abc"])
    shop.app.send_task("shop.order", args=["abcde"])
    small, large = (attributes_of(span)[attributes.MESSAGE_BODY_SIZE] for span in shop.spans)
    assert 2 == large - small


def test_what_is_emitted_is_described(open_shop: Open) -> None:
    """What telemetry.yaml says of producers is what a span has that has everything: each attribute, and its type."""
    rabbit = open_shop(f"amqp://127.0.0.1:{free_port()}//", CELERY_OTEL_CAPTURE_MESSAGE_SIZE="true")
    topic = Queue("urgent", Exchange("shop", type="topic"), routing_key="shop.urgent")
    with pytest.raises(OperationalError):
        rabbit.app.send_task("shop.order", countdown=60, queue=topic, retry=True, retry_policy=QUICKLY)
    described = {name: entry for name, entry in TELEMETRY["attributes"].items() if "producer" in entry["spans"]}
    emitted = attributes_of(rabbit.span)
    assert set(described) == set(emitted)
    kinds = {"string": str, "int": int, "double": float}
    assert {name: kinds[described[name]["type"]] for name in emitted} == {
        name: type(value) for name, value in emitted.items()
    }


def test_an_eta_is_told(shop: Shop) -> None:
    """A countdown is on the span as the moment it stands for."""
    shop.app.send_task("shop.order", countdown=60)
    assert attributes_of(shop.span)[attributes.TASK_ETA] == shop.headers[0]["eta"]


def test_the_old_protocol_too(shop: Shop) -> None:
    """With Celery's protocol 1, whose headers are in the body, the span is the same."""
    shop.app.conf.task_protocol = 1
    shop.app.send_task("shop.order", task_id="an-id")
    assert "an-id" == attributes_of(shop.span)[attributes.MESSAGE_ID]
    assert "traceparent" in shop.headers[0]


def test_everything_is_taken_back(shop: Shop) -> None:
    """After `uninstrument` a publish leaves no span and carries nothing of ours, also by what has kept the method."""
    kept = shop.app.send_task
    shop.instrumentor.uninstrument()
    assert "send_task" not in vars(shop.app)
    kept("shop.order")
    shop.app.send_task("shop.order")
    assert [] == shop.spans
    assert 2 == len(shop.headers)
    assert [set(), set()] == [{PUBLISHED_AT, "traceparent"} & set(headers) for headers in shop.headers]
    shop.instrumentor.instrument(tracer_provider=shop.provider)


def test_another_applications_publish_is_stamped_only(shop: Shop) -> None:
    """An application that is not instrumented gets the time of publishing from its neighbour, and no span."""
    with Celery("other", broker="memory://", set_as_current=False) as other:
        other.send_task("other.task")
    assert [] == shop.spans
    assert NOW == float(shop.headers[0][PUBLISHED_AT])
