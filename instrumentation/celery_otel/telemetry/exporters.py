"""The exporters that push: built when there is something to export, imported before the pool forks.

gRPC is imported only when it is chosen: it costs every child memory.
"""

from contextlib import suppress
from importlib import import_module
from typing import Any

from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricExporter
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter

from celery_otel.settings import Settings

_OTLP_MODULES = {
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "grpc": "opentelemetry.exporter.otlp.proto.grpc.metric_exporter",
}
_OTLP_SPAN_MODULES = {
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "grpc": "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
}
# What the HTTP exporter itself imports only when it is built, which would be after the fork. Which of the two libraries
# it sends with, and so requires, is up to its release: 1.45.0 comes without requests.
_LATE_IMPORTS = ("requests", "urllib3", "opentelemetry.exporter.http.transport")


def preload(settings: Settings) -> None:
    """Imports what the exporters need, so that children that are forked later share it."""
    chosen = {}
    if "otlp" in settings.exporters:
        chosen[_OTLP_MODULES[settings.protocol]] = settings.protocol
    if "otlp" in settings.traces_exporters:
        chosen[_OTLP_SPAN_MODULES[settings.traces_protocol]] = settings.traces_protocol
    for module in chosen:
        import_module(module)
    for module in _LATE_IMPORTS if "http/protobuf" in chosen.values() else ():
        with suppress(ModuleNotFoundError):
            import_module(module)


def compressed(protocol: str, compression: str) -> dict[str, Any]:
    """What an OTLP exporter has to be told of its compression: that for gRPC takes `none` in the environment amiss."""
    if protocol != "grpc":
        return {}
    from grpc import Compression  # noqa: PLC0415  # only when it is chosen

    return {"compression": Compression.Gzip if compression == "gzip" else Compression.NoCompression}


def push_exporters(settings: Settings) -> dict[str, MetricExporter]:
    """The exporters that push, by name. The OTLP one reads endpoint, headers and the like from the environment."""
    exporters: dict[str, MetricExporter] = {}
    if "otlp" in settings.exporters:
        module: Any = import_module(_OTLP_MODULES[settings.protocol])
        exporters["otlp"] = module.OTLPMetricExporter(**compressed(settings.protocol, settings.compression))
    if "console" in settings.exporters:
        exporters["console"] = ConsoleMetricExporter()
    return exporters


def span_exporters(settings: Settings) -> dict[str, SpanExporter]:
    """The exporters of spans, by name. The OTLP one reads endpoint, headers and the like from the environment."""
    exporters: dict[str, SpanExporter] = {}
    if "otlp" in settings.traces_exporters:
        module: Any = import_module(_OTLP_SPAN_MODULES[settings.traces_protocol])
        compression = compressed(settings.traces_protocol, settings.traces_compression)
        exporters["otlp"] = module.OTLPSpanExporter(timeout=settings.traces_timeout, **compression)
    if "console" in settings.traces_exporters:
        exporters["console"] = ConsoleSpanExporter()
    return exporters
