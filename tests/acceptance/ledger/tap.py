"""Sees every export on its way from the workers to the collector, unchanged: metrics, and spans that were delivered.

A scrape of the collector is no export: its exporter takes an export metric by metric, and a scrape that falls between
shows old and new values side by side. What must hold in every export is therefore checked in the exports.
"""

import gzip
import http.client
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

#: How long the collector may take over one export, in seconds.
PATIENCE = 30.0
METRICS_PATH = "/v1/metrics"


class Export(NamedTuple):
    """One export: which worker made it, and each counter and gauge, summed over its series."""

    job: str
    instance: str
    counters: dict[str, float]
    gauges: dict[str, float]


@dataclass(frozen=True)
class Kept:
    """What went by, as it was sent; taps in front of several collectors may share one."""

    metrics: list[bytes] = field(default_factory=list)
    spans: list[bytes] = field(default_factory=list)


class ExportTap:
    """An HTTP server in front of a collector: it hands every export on and keeps a copy.

    When the collector cannot be reached it hangs up without an answer, as a dead collector would.

    Args:
        collector: The collector's OTLP/HTTP endpoint.
        kept: Where the copies go, if others put theirs there too.
    """

    def __init__(self, collector: str, *, kept: Kept | None = None) -> None:
        self.collector = urlsplit(collector)
        self._kept = kept or Kept()
        self.delivered = 0
        """How many exports of metrics the collector has answered."""
        self.lost = 0
        """How many exports nobody was there for."""
        self.open = threading.Event()
        """Cleared while exports are swallowed: they come in, and nothing comes back."""
        self.open.set()
        self.prompt = threading.Event()
        """Cleared while exports are late: they come in, and are handed on when it is set."""
        self.prompt.set()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="export-tap")

    @property
    def endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def keep(self, body: bytes) -> None:
        """Remember an export of metrics."""
        self._kept.metrics.append(body)

    def keep_spans(self, body: bytes) -> None:
        """Remember an export of spans that the collector has taken."""
        self._kept.spans.append(body)

    def swallowing(self) -> AbstractContextManager[None]:
        """Let exports vanish, as in a network that drops them: who sends them waits until its patience ends."""
        return _cleared(self.open)

    def delaying(self) -> AbstractContextManager[None]:
        """Let exports be late, as over a slow network: they are handed on when this ends."""
        return _cleared(self.prompt)

    def exports(self, job: str) -> list[Export]:
        """Every export of this job's metrics so far, in the order of arrival."""
        return [export for body in list(self._kept.metrics) for export in _decoded(body) if export.job == job]

    def resources(self, job: str) -> list[ResourceMetrics]:
        """The same exports as they came, with every label of every series."""
        return [
            resource
            for body in list(self._kept.metrics)
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            if _service(resource) == job
        ]

    def spans(self, job: str) -> list[Span]:
        """Every span of this job that the collector has taken, as often as it has."""
        return [
            span
            for body in list(self._kept.spans)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            if _service(resource) == job
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def _cleared(event: threading.Event) -> Iterator[None]:
    event.clear()
    try:
        yield
    finally:
        event.set()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a worker that was killed, or has lost its patience: that is what many a run is about."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(tap: ExportTap) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            plain = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
            if self.path == METRICS_PATH:
                tap.keep(plain)
            if not tap.open.is_set():
                tap.lost += 1
                tap.open.wait()
                self.close_connection = True
                return
            tap.prompt.wait()
            try:
                status, answer = _forward(tap, self.path, headers, body)
            except OSError:
                tap.lost += 1
                self.close_connection = True
                return
            if self.path == METRICS_PATH:
                tap.delivered += 1
            elif status == HTTPStatus.OK:
                tap.keep_spans(plain)
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing: what matters is kept."""

    return Handler


def _forward(tap: ExportTap, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(tap.collector.netloc, timeout=PATIENCE)
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _decoded(body: bytes) -> Iterator[Export]:
    request = ExportMetricsServiceRequest.FromString(body)
    for resource in request.resource_metrics:
        attributes = {item.key: item.value.string_value for item in resource.resource.attributes}
        counters, gauges = (dict(_sums(resource, kind)) for kind in ("sum", "gauge"))
        yield Export(attributes["service.name"], attributes["service.instance.id"], counters, gauges)


def _service(resource: ResourceSpans | ResourceMetrics) -> object:
    return {item.key: item.value.string_value for item in resource.resource.attributes}.get("service.name", "")


def _sums(resource: ResourceMetrics, kind: str) -> Iterator[tuple[str, float]]:
    metrics = (metric for scope in resource.scope_metrics for metric in scope.metrics)
    for metric in metrics:
        if metric.WhichOneof("data") == kind:
            points = getattr(metric, kind).data_points
            yield metric.name, sum(float(point.as_int or point.as_double) for point in points)
