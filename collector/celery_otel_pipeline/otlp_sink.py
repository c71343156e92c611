"""An OTLP/HTTP receiver that remembers every span, and which metrics came."""

import gzip
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from celery_otel_pipeline.ports import LOOPBACK


class SinkSpan(NamedTuple):
    """A span as it arrived. Ids are hexadecimal; `parent_id` is empty for the root of a trace."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    resource: dict[str, Any]
    scope: str
    status: str
    events: list[str]
    links: list[str]
    event_attributes: list[dict[str, Any]]
    link_attributes: list[dict[str, Any]]
    schema_url: str

    @property
    def service(self) -> str:
        """The service that it is from."""
        return str(self.resource.get("service.name"))


class OtlpSink:
    """An HTTP server on loopback.

    Args:
        port: Where it listens; 0 stands for any free port.
    """

    def __init__(self, port: int = 0) -> None:
        self._lock = threading.Lock()
        self._spans: list[SinkSpan] = []
        self._metrics: Counter[str] = Counter()
        self._server = ThreadingHTTPServer((LOOPBACK, port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="otlp-sink")

    @property
    def endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def spans(self, **wanted: str) -> list[SinkSpan]:
        """The spans so far, in the order of arrival, whose fields are as wanted."""
        with self._lock:
            return [span for span in self._spans if all(getattr(span, key) == value for key, value in wanted.items())]

    def metrics(self) -> Counter[str]:
        """How often each metric came, by its name."""
        with self._lock:
            return Counter(self._metrics)

    def keep(self, path: str, body: bytes) -> None:
        """Remembers a request."""
        spans = list(_spans(body)) if path == "/v1/traces" else []
        metrics = list(_metrics(body)) if path == "/v1/metrics" else []
        with self._lock:
            self._spans += spans
            self._metrics.update(metrics)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(sink: OtlpSink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sink.keep(self.path, gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing: what matters is kept."""

    return Handler


def _metrics(body: bytes) -> Iterator[str]:
    for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for scope in resource.scope_metrics:
            yield from (metric.name for metric in scope.metrics)


def _spans(body: bytes) -> Iterator[SinkSpan]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        about = _values(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield _span(span, about, scope.scope.name, scope.schema_url)


def _span(span: Span, resource: Mapping[str, Any], scope: str, schema_url: str) -> SinkSpan:
    return SinkSpan(
        span.name,
        Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        _values(span.attributes),
        dict(resource),
        scope,
        type(span.status).StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
        [event.name for event in span.events],
        [link.span_id.hex() for link in span.links],
        [_values(event.attributes) for event in span.events],
        [_values(link.attributes) for link in span.links],
        schema_url,
    )


def _values(items: Any) -> dict[str, Any]:
    return {item.key: _value(item) for item in items}


def _value(item: KeyValue) -> Any:
    kind = item.value.WhichOneof("value")
    return getattr(item.value, kind) if kind else None
