"""The ledger's application with OpenTelemetry's own instrumentation for Celery, set up as its documentation says."""

from typing import Any

from celery import signals
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.acceptance.ledger.bare import app

__all__ = ["app"]


@signals.worker_process_init.connect(weak=False)
def set_up(**_: Any) -> None:
    """Give each child its own provider, processor and exporter."""
    tracing = TracerProvider()
    tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(tracing)
    CeleryInstrumentor().instrument()
