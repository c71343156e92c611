"""A sender of spans that knows which of them were accepted."""

import time
from collections.abc import Mapping
from typing import Self

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue

from celery_otel_pipeline.collector import Collector

SERVICE = "shop"
_BATCH = 200
_NANOSECONDS = 1_000_000_000


class SpanSender:
    """Spans as of a worker, whose times are chosen and which are sent when asked and not before.

    Args:
        exporter: Where they are sent; closed at the end.
        resource: Attributes of the sender beside its name.
    """

    def __init__(self, exporter: SpanExporter, resource: Mapping[str, AttributeValue] | None = None) -> None:
        self._exporter = exporter
        self._ended = InMemorySpanExporter()
        identity = {"service.name": SERVICE, "service.instance.id": "w1@host"}
        self._provider = TracerProvider(resource=Resource({**identity, **(resource or {})}), shutdown_on_exit=False)
        self._provider.add_span_processor(SimpleSpanProcessor(self._ended))
        self._tracer = self._provider.get_tracer("celery_otel", "0.1.0")

    def span(
        self,
        name: str,
        *,
        parent: SpanContext | None = None,
        delay: float = 0.0,
        seconds: float = 0.01,
        error: BaseException | None = None,
        tags: Mapping[str, AttributeValue] | None = None,
    ) -> SpanContext:
        """End a span that began `delay` seconds from now and took `seconds`; with a parent it is a task's."""
        start = time.time_ns() + int(delay * _NANOSECONDS)
        span = self._tracer.start_span(
            name,
            context=set_span_in_context(NonRecordingSpan(parent)) if parent else None,
            kind=SpanKind.CONSUMER if parent else SpanKind.PRODUCER,
            attributes=tags,
            start_time=start,
        )
        if error is not None:
            span.record_exception(error)
            span.set_status(StatusCode.ERROR, str(error))
        span.end(start + int(seconds * _NANOSECONDS))
        return span.get_span_context()

    def send(self) -> int:
        """Export all ended spans, and return how many.

        Raises:
            AssertionError: The receiver refused some; all are kept for the next time.
        """
        spans = self._ended.get_finished_spans()
        refused = [batch for batch in _batches(spans) if self._exporter.export(batch) is not SpanExportResult.SUCCESS]
        assert not refused, f"{len(refused)} batches were refused"
        self._ended.clear()
        return len(spans)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._provider.shutdown()
        self._exporter.shutdown()


def sender_to(
    collector: Collector, resource: Mapping[str, AttributeValue] | None = None, *, timeout: float = 30.0
) -> SpanSender:
    """Return a sender over OTLP/gRPC that gives up after `timeout` seconds."""
    return SpanSender(GrpcExporter(collector.otlp_grpc_endpoint, insecure=True, timeout=timeout), resource)


def _batches(spans: tuple[ReadableSpan, ...]) -> list[tuple[ReadableSpan, ...]]:
    return [spans[start : start + _BATCH] for start in range(0, len(spans), _BATCH)]


def trace_id(context: SpanContext) -> str:
    """Return a span's trace id as Jaeger writes it."""
    return format(context.trace_id, "032x")


def span_id(context: SpanContext) -> str:
    """Return a span's id as Jaeger writes it."""
    return format(context.span_id, "016x")
