"""The exporters that push: built when the first export is due, imported before the pool forks.

gRPC is imported only when it is chosen: it costs every child memory.
"""

from importlib import import_module
from typing import Any

from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricExporter

from celery_otel.settings import Settings

_OTLP_MODULES = {
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "grpc": "opentelemetry.exporter.otlp.proto.grpc.metric_exporter",
}
# What the HTTP exporter itself imports only when it is built, which would be after the fork.
_LATE_IMPORTS = ("requests", "urllib3", "opentelemetry.exporter.http.transport")


def preload(settings: Settings) -> None:
    """Imports what the exporters need, so that children that are forked later share it."""
    if "otlp" not in settings.exporters:
        return
    import_module(_OTLP_MODULES[settings.protocol])
    if settings.protocol == "http/protobuf":
        for module in _LATE_IMPORTS:
            import_module(module)


def push_exporters(settings: Settings) -> dict[str, MetricExporter]:
    """The exporters that push, by name. The OTLP one reads endpoint, headers and the like from the environment."""
    exporters: dict[str, MetricExporter] = {}
    if "otlp" in settings.exporters:
        module: Any = import_module(_OTLP_MODULES[settings.protocol])
        exporters["otlp"] = module.OTLPMetricExporter()
    if "console" in settings.exporters:
        exporters["console"] = ConsoleMetricExporter()
    return exporters
