"""Sends encoded spans by the exporters' own connections, with all that the standard variables say of them.

The exporters' public `export` takes span objects, which are then encoded a second time. What carries bytes inside them
is not public: it is used here and nowhere else, and `tests/unit/telemetry/test_span_senders.py` holds it to its word.
"""

import sys
from collections.abc import Callable, Mapping
from enum import Enum
from importlib import import_module
from typing import Any, Protocol

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SpanExportResult

from celery_otel.settings import Settings
from celery_otel.telemetry.exporters import compressed

HTTP_MODULE = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
GRPC_MODULE = "opentelemetry.exporter.otlp.proto.grpc.trace_exporter"
#: The collector has understood the request and will never take it: bad, too large, or of a kind it does not know.
_HOPELESS = frozenset({400, 413, 415})


class Delivery(Enum):
    """What became of a request."""

    DONE = "done"
    LATER = "later"
    """It failed, and may be tried again."""
    NEVER = "never"
    """It was refused for what it is."""


class SpanSender(Protocol):
    """Sends requests to one place."""

    def send(self, request: bytes) -> Delivery:
        """Sends an encoded `ExportTraceServiceRequest`; takes as long as the exporter's timeout at most."""

    def shutdown(self) -> None:
        """Ends, and wakes a `send` that waits for its next try."""


def http_sender(_: Settings) -> SpanSender:
    """A sender over OTLP/HTTP, for which the environment says all."""
    exporter: Any = import_module(HTTP_MODULE)

    class HttpSender(exporter.OTLPSpanExporter):  # type: ignore[misc]  # known only when it is chosen
        def send(self, request: bytes) -> Delivery:
            result = self._client.export(request)
            if result.success:
                return Delivery.DONE
            return Delivery.NEVER if result.status_code in _HOPELESS else Delivery.LATER

    return HttpSender()


def grpc_sender(settings: Settings) -> SpanSender:
    """A sender over OTLP/gRPC, which is imported only here."""
    exporter: Any = import_module(GRPC_MODULE)

    class GrpcSender(exporter.OTLPSpanExporter):  # type: ignore[misc]  # known only when it is chosen
        _hopeless = False

        def send(self, request: bytes) -> Delivery:
            self._hopeless = False
            if self._export(ExportTraceServiceRequest.FromString(request)) is SpanExportResult.SUCCESS:
                return Delivery.DONE
            return Delivery.NEVER if self._hopeless else Delivery.LATER

        def _initialize_channel_and_stub(self) -> None:
            super()._initialize_channel_and_stub()
            self._client.Export = _watched(self._client.Export, self._judge)

        def _judge(self, error: Exception) -> None:
            self._hopeless = _is_hopeless(error)

        def _translate_data(self, data: ExportTraceServiceRequest) -> ExportTraceServiceRequest:
            return data

        def _count_data(self, data: ExportTraceServiceRequest) -> int:
            return sum(len(scope.spans) for resource in data.resource_spans for scope in resource.scope_spans)

    return GrpcSender(**compressed("grpc", settings.traces_compression))


def _watched(call: Callable[..., Any], failed: Callable[[Exception], None]) -> Callable[..., Any]:
    """The same call, whose errors are told before they are raised."""

    def watched(**arguments: Any) -> Any:
        try:
            return call(**arguments)
        except Exception as error:
            failed(error)
            raise

    return watched


def _is_hopeless(error: Any) -> bool:
    """Whether a gRPC error says that the collector will never take the request.

    Without a time to try again, exhausted resources mean a request that is too large:
    https://opentelemetry.io/docs/specs/otlp/#failures
    """
    code = error.code().name if hasattr(error, "code") else ""
    if code == "RESOURCE_EXHAUSTED":
        return "google.rpc.retryinfo-bin" not in dict(error.trailing_metadata() or ())
    return code == "INVALID_ARGUMENT"


class ConsoleSender:
    """Prints each request as OTLP's JSON."""

    def send(self, request: bytes) -> Delivery:
        """Prints it."""
        sys.stdout.write(MessageToJson(ExportTraceServiceRequest.FromString(request)) + "\n")
        return Delivery.DONE

    def shutdown(self) -> None:
        """There is nothing to end."""


_OTLP: Mapping[str, Callable[[Settings], SpanSender]] = {"http/protobuf": http_sender, "grpc": grpc_sender}


def span_senders(settings: Settings) -> dict[str, SpanSender]:
    """The senders that the settings ask for, by the exporter's name."""
    senders: dict[str, SpanSender] = {}
    if "otlp" in settings.traces_exporters:
        senders["otlp"] = _OTLP[settings.traces_protocol](settings)
    if "console" in settings.traces_exporters:
        senders["console"] = ConsoleSender()
    return senders
