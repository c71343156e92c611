"""More spans than a collector has memory for."""

import http.client
import os
import time
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from celery_otel_pipeline.collector import Collector

#: Characters in each span, which the collector holds until it decides on the trace.
SIZE = 2_000_000
_MOST = 1000


def flood(collector: Collector) -> None:
    """Send spans, each of a trace of its own, until the collector refuses one.

    Raises:
        AssertionError: It takes them all.
    """
    for _ in range(_MOST):
        if _refused(collector):
            return
    raise AssertionError(f"the collector has taken {_MOST} spans of {SIZE} characters and refused none")


def _refused(collector: Collector) -> bool:
    connection = http.client.HTTPConnection(urlsplit(collector.otlp_http_endpoint).netloc, timeout=30)
    try:
        connection.request("POST", "/v1/traces", _span(), {"Content-Type": "application/x-protobuf"})
        return connection.getresponse().status == http.client.SERVICE_UNAVAILABLE
    finally:
        connection.close()


def _span() -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.name, span.trace_id, span.span_id = "flood", os.urandom(16), os.urandom(8)
    span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
    attribute = span.attributes.add()
    attribute.key, attribute.value.string_value = "text", "x" * SIZE
    return request.SerializeToString()
