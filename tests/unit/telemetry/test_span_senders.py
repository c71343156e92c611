"""Encoded spans go out by the exporters' own connections, and what becomes of them is told apart."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from celery_otel.settings import Settings
from celery_otel.telemetry.span_senders import Delivery, SpanSender, span_senders
from celery_otel_pipeline.ports import LOOPBACK, free_port

MESSAGE = ExportTraceServiceRequest(
    resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[Span(name="process shop.order")])])]
)
REQUEST = MESSAGE.SerializeToString()
RETRY_INFO = (("google.rpc.retryinfo-bin", b""),)
#: The exporter itself tries again, but not when it is told to wait for longer than it has.
RETRY_LATE = (("google.rpc.retryinfo-bin", RetryInfo(retry_delay=Duration(seconds=60)).SerializeToString()),)
Open = Callable[..., SpanSender]


@pytest.fixture
def open_sender(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Makes a sender from the environment, as a worker does."""
    senders: list[SpanSender] = []

    def make(endpoint: str, **env: str) -> SpanSender:
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": "2", **env}
        for key, value in environ.items():
            monkeypatch.setenv(key, value)
        (sender,) = span_senders(Settings.read(environ)).values()
        senders.append(sender)
        return sender

    yield make
    for sender in senders:
        sender.shutdown()


class HttpCollector:
    """An OTLP/HTTP receiver that answers with a status and keeps what it gets."""

    def __init__(self, status: int) -> None:
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.server = ThreadingHTTPServer((LOOPBACK, 0), _handler(self, status))
        self.url = f"http://{LOOPBACK}:{self.server.server_port}"


def _handler(collector: HttpCollector, status: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.received.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            """Say nothing."""

    return Handler


@contextmanager
def http_collector(status: int) -> Iterator[HttpCollector]:
    """A receiver that runs."""
    collector = HttpCollector(status)
    thread = threading.Thread(target=collector.server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield collector
    finally:
        collector.server.shutdown()
        collector.server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("status", "delivery"),
    [
        (200, Delivery.DONE),
        (400, Delivery.NEVER),
        (413, Delivery.NEVER),
        (415, Delivery.NEVER),
        (401, Delivery.LATER),
        (404, Delivery.LATER),
        (500, Delivery.LATER),
    ],
)
def test_what_an_http_answer_means(open_sender: Open, status: int, delivery: Delivery) -> None:
    """Accepted is done, refused for what it is is never, all else is tried again later."""
    with http_collector(status) as collector:
        assert delivery is open_sender(collector.url).send(REQUEST)
    assert REQUEST == collector.received[0][2]


def test_the_standard_variables_are_obeyed(open_sender: Open) -> None:
    """Path, headers and compression are as the variables say."""
    env = {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=secret", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}
    with http_collector(200) as collector:
        open_sender(collector.url, **env).send(REQUEST)
    ((path, headers, body),) = collector.received
    assert ("/v1/traces", "secret") == (path, headers["api-key"])
    assert "application/x-protobuf" == headers["content-type"]
    assert REQUEST == gzip.decompress(body)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_nobody_there_is_later(open_sender: Open, protocol: str) -> None:
    """A collector that is away may be back later."""
    env = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    assert Delivery.LATER is open_sender(f"http://{LOOPBACK}:{free_port()}", **env).send(REQUEST)


class GrpcCollector:
    """An OTLP/gRPC receiver that answers with a code and keeps what it gets."""

    def __init__(self, code: grpc.StatusCode, trailing: Sequence[tuple[str, bytes]]) -> None:
        self.received: list[bytes] = []
        self._code, self._trailing = code, trailing

    def export(self, request: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:
        """Answers a request."""
        self.received.append(request.SerializeToString())
        context.set_trailing_metadata(tuple(self._trailing))
        if self._code is not grpc.StatusCode.OK:
            context.abort(self._code, "as told")
        return ExportTraceServiceResponse()


@contextmanager
def grpc_collector(code: grpc.StatusCode, trailing: Sequence[tuple[str, bytes]] = ()) -> Iterator[Any]:
    """A receiver that runs, and its address."""
    collector = GrpcCollector(code, trailing)
    handler = grpc.unary_unary_rpc_method_handler(
        collector.export, ExportTraceServiceRequest.FromString, ExportTraceServiceResponse.SerializeToString
    )
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    with ThreadPoolExecutor(1) as threads:
        server = grpc.server(threads)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
        port = server.add_insecure_port(f"{LOOPBACK}:0")
        server.start()
        try:
            yield collector, f"http://{LOOPBACK}:{port}"
        finally:
            server.stop(None).wait()


@pytest.mark.parametrize(
    ("code", "trailing", "delivery"),
    [
        (grpc.StatusCode.OK, (), Delivery.DONE),
        (grpc.StatusCode.INVALID_ARGUMENT, (), Delivery.NEVER),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, (), Delivery.NEVER),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, RETRY_INFO, Delivery.LATER),
        (grpc.StatusCode.UNAUTHENTICATED, (), Delivery.LATER),
        (grpc.StatusCode.UNAVAILABLE, RETRY_LATE, Delivery.LATER),
    ],
)
def test_what_a_grpc_answer_means(
    open_sender: Open, code: grpc.StatusCode, trailing: Sequence[tuple[str, bytes]], delivery: Delivery
) -> None:
    """The same over gRPC: what is too large or bad is never taken, all else is tried again later."""
    with grpc_collector(code, trailing) as (collector, endpoint):
        sender = open_sender(endpoint, OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_EXPORTER_OTLP_TIMEOUT="10")
        assert delivery is sender.send(REQUEST)
    assert REQUEST == collector.received[0]


def test_a_refusal_is_forgotten_with_its_request(open_sender: Open) -> None:
    """What was refused for what it is says nothing of the next request."""
    with grpc_collector(grpc.StatusCode.INVALID_ARGUMENT) as (_, endpoint):
        sender = open_sender(endpoint, OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_EXPORTER_OTLP_TIMEOUT="2")
        assert Delivery.NEVER is sender.send(REQUEST)
    assert Delivery.LATER is sender.send(REQUEST)


def test_the_console_prints_json(open_sender: Open, capsys: pytest.CaptureFixture[str]) -> None:
    """The console exporter prints each request as one JSON document."""
    assert Delivery.DONE is open_sender("http://unused", OTEL_TRACES_EXPORTER="console").send(REQUEST)
    (resource_spans,) = json.loads(capsys.readouterr().out)["resourceSpans"]
    assert "process shop.order" == resource_spans["scopeSpans"][0]["spans"][0]["name"]
