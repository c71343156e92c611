"""More spans than a collector has memory for."""

import http.client
import os
import time
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from celery_otel_pipeline.collector import Collector

_MOST = 1000


def flood(collector: Collector) -> None:
    """Send spans, each of a trace of its own that waits for its decision, until the collector refuses one.

    Raises:
        AssertionError: It takes them all.
    """
    if not any(_status(collector, _span(2_000_000)) == http.client.SERVICE_UNAVAILABLE for _ in range(_MOST)):
        raise AssertionError(f"the collector has taken {_MOST} spans of 2 MB and refused none")


def send_kept(collector: Collector, kilobytes: int) -> list[int]:
    """Send so much in spans that go to Jaeger at once; what the collector answers."""
    return [_status(collector, _span(10_000, kept=True)) for _ in range(kilobytes // 10)]


def _status(collector: Collector, body: bytes) -> int:
    connection = http.client.HTTPConnection(urlsplit(collector.otlp_http_endpoint).netloc, timeout=30)
    try:
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        return connection.getresponse().status
    finally:
        connection.close()


def _span(size: int, *, kept: bool = False) -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.name, span.trace_id, span.span_id = "flood", os.urandom(16), os.urandom(8)
    span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
    text, keep = span.attributes.add(), span.attributes.add()
    text.key, text.value.string_value = "text", "x" * size
    keep.key, keep.value.bool_value = "celery.keep", kept
    encoded: bytes = request.SerializeToString()
    return encoded
