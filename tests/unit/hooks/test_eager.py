"""An eager task has a span where it is called, and only there."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery, Task
from celery.exceptions import Ignore, Reject
from opentelemetry import context, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from celery_otel import attributes
from celery_otel.hooks.eager import EagerTracing
from celery_otel.telemetry.eager_spans import EagerSpans

SECRET = "4711-secret"  # noqa: S105  # what an exception says


class Shop:
    """An application whose tasks are called here, and the spans of that."""

    def __init__(self, *, content: bool = False) -> None:
        self.app = Celery("shop", set_as_current=False)
        self.task = self.app.task(_call, name="shop.call", shared=False, throws=(KeyError,))
        self.again = self.app.task(_again, name="shop.again", shared=False, bind=True, max_retries=1)
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = provider.get_tracer("celery_otel")
        self.tracing = EagerTracing(self.app, EagerSpans(self.tracer, content=content))

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Every span that has ended, the innermost first."""
        return self._exporter.get_finished_spans()

    @property
    def span(self) -> ReadableSpan:
        """The only one."""
        (span,) = self.spans
        return span


def _call(work: Callable[[], Any]) -> Any:
    """Does some work."""
    return work()


def _again(self: Task) -> None:
    """Is retried once and then fails."""
    raise self.retry(exc=ValueError("again"))


def raising(error: BaseException) -> Callable[[], Any]:
    """Work that raises."""

    def work() -> Any:
        raise error

    return work


@pytest.fixture
def shop() -> Iterator[Shop]:
    """An application with the defaults."""
    made = Shop()
    with made.tracing:
        yield made
    assert {} == context.get_current()


def test_an_eager_task_is_a_span_in_its_caller(shop: Shop) -> None:
    """It is a child of the caller's span, current while the task runs, and says name, id and state."""
    with shop.tracer.start_as_current_span("request") as request:
        result = shop.task.apply((lambda: trace.get_current_span().get_span_context().span_id,))
    span, _ = shop.spans
    assert ("process shop.call", SpanKind.INTERNAL) == (span.name, span.kind)
    assert request.get_span_context() == span.parent
    assert span.context is not None
    assert span.context.span_id == result.get()
    assert {
        attributes.TASK_NAME: "shop.call",
        attributes.UPSTREAM_TASK_NAME: "shop.call",
        attributes.MESSAGE_ID: result.id,
        attributes.TASK_RETRIES: 0,
        attributes.TASK_STATE: "SUCCESS",
        attributes.UPSTREAM_STATE: "SUCCESS",
    } == dict(span.attributes or {})
    assert StatusCode.UNSET is span.status.status_code


@pytest.mark.parametrize("throw", [False, True])
def test_a_failure_is_an_error_without_its_message(shop: Shop, throw: bool) -> None:  # noqa: FBT001  # a case
    """Whether the caller gets the exception or a result, the span has its class and stack, and not what it says."""
    if throw:
        with pytest.raises(ValueError, match=SECRET):
            shop.task.apply((raising(ValueError(SECRET)),), throw=True)
    else:
        shop.task.apply((raising(ValueError(SECRET)),))
    span = shop.span
    assert (StatusCode.ERROR, "ValueError") == (span.status.status_code, (span.attributes or {})["error.type"])
    assert "FAILURE" == (span.attributes or {})[attributes.TASK_STATE]
    (event,) = span.events
    assert {"exception.type", "exception.stacktrace"} == set(event.attributes or {})
    assert "raise error" in str((event.attributes or {})["exception.stacktrace"])
    assert SECRET not in span.to_json()


def test_messages_are_told_on_request() -> None:
    """With content captured the exception's message is on its event."""
    shop = Shop(content=True)
    with shop.tracing:
        shop.task.apply((raising(ValueError(SECRET)),))
    (event,) = shop.span.events
    assert SECRET == (event.attributes or {})["exception.message"]


def test_an_exit_ends_the_span_too(shop: Shop) -> None:
    """What is no `Exception` goes to the caller, and the span has ended with it."""
    with pytest.raises(SystemExit):
        shop.task.apply((raising(SystemExit(3)),))
    assert "SystemExit" == (shop.span.attributes or {})["error.type"]


def test_what_is_no_error_is_none(shop: Shop) -> None:
    """Exceptions that the task expects, Ignore and Reject leave the status unset."""
    shop.task.apply((raising(KeyError("expected")),))
    shop.task.apply((raising(Ignore()),))
    shop.task.apply((raising(Reject("no")),))
    states = [(span.attributes or {})[attributes.TASK_STATE] for span in shop.spans]
    assert ["FAILURE", "IGNORED", "REJECTED"] == states
    assert {StatusCode.UNSET} == {span.status.status_code for span in shop.spans}


def test_a_retry_is_a_span_beside_the_one_before(shop: Shop) -> None:
    """Celery runs an eager retry after the attempt that asked for it: both are below the caller's span."""
    with shop.tracer.start_as_current_span("request") as request:
        shop.again.apply()
    first, second, _ = shop.spans
    assert [request.get_span_context()] * 2 == [first.parent, second.parent]
    assert [0, 1] == [(span.attributes or {})[attributes.TASK_RETRIES] for span in (first, second)]
    assert ["RETRY", "FAILURE"] == [(span.attributes or {})[attributes.TASK_STATE] for span in (first, second)]


def test_other_applications_are_left_alone(shop: Shop) -> None:
    """A task of an application that is not instrumented has no span."""
    other = Shop()
    other.task.apply((lambda: 1,))
    assert () == shop.spans


def test_nothing_is_left(shop: Shop) -> None:
    """After the end of it eager tasks have no span."""
    shop.tracing.__exit__(None, None, None)
    shop.task.apply((lambda: 1,))
    assert () == shop.spans
