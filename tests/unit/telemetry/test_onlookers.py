"""Processors of the user's own provider see the spans of attempts, each once."""

import logging

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import StatusCode

from celery_otel.core.span import FinishedSpan, SpanIdentity
from celery_otel.failures import FailureLog
from celery_otel.telemetry.onlookers import Onlookers, onlookers

FAILED = FinishedSpan(
    SpanIdentity(0xA, 0xB, 0xC),
    "shop.order",
    "orders",
    10.0,
    12.5,
    {},
    (("celery.task.state", "FAILURE"),),
    "ValueError",
)


class Notes(SpanProcessor):
    """Notes what ends, or raises if it is told to."""

    def __init__(self, *, broken: bool = False) -> None:
        self.ended: list[ReadableSpan] = []
        self._broken = broken

    def on_end(self, span: ReadableSpan) -> None:
        """A span has ended."""
        if self._broken:
            raise RuntimeError("broken on purpose")
        self.ended.append(span)


def shown_to(*processors: SpanProcessor) -> Onlookers:
    """What shows spans to these."""
    return Onlookers(
        processors,
        lambda task, queue: (f"process {task}", {"messaging.destination.name": queue}),
        Resource({"service.name": "shop"}),
        InstrumentationScope("celery_otel"),
        FailureLog(),
    )


def test_a_processor_sees_the_whole_span() -> None:
    """Ids, times in nanoseconds, attributes, status and resource are those of the span that is exported."""
    notes = Notes()
    shown_to(notes).show(FAILED)
    (span,) = notes.ended
    assert span.context is not None
    assert span.parent is not None
    assert ("process shop.order", 0xA, 0xB, 0xC) == (
        span.name,
        span.context.trace_id,
        span.context.span_id,
        span.parent.span_id,
    )
    assert (10_000_000_000, 12_500_000_000) == (span.start_time, span.end_time)
    expected = {"messaging.destination.name": "orders", "celery.task.state": "FAILURE", "error.type": "ValueError"}
    assert expected == dict(span.attributes or {})
    assert StatusCode.ERROR is span.status.status_code
    assert "shop" == span.resource.attributes["service.name"]


def test_a_processor_that_raises_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The next one sees the span all the same, and the log says which one raised."""
    notes = Notes()
    shown_to(Notes(broken=True), notes).show(FAILED)
    assert 1 == len(notes.ended)
    (record,) = caplog.records
    assert (logging.WARNING, True) == (record.levelno, "Notes" in record.getMessage())


def test_processors_that_export_are_no_onlookers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the user's processors those that export are left out: each span would arrive twice."""
    provider, notes = TracerProvider(shutdown_on_exit=False), Notes()
    provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
    provider.add_span_processor(notes)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    assert (notes,) == onlookers()


def test_without_a_provider_of_the_users_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose provider is OpenTelemetry's stand-in has no processors."""
    monkeypatch.setattr(trace, "get_tracer_provider", trace.ProxyTracerProvider)
    assert () == onlookers()
