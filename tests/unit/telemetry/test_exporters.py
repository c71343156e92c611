"""The exporters that the settings ask for can be built."""

from typing import Any

import pytest

from celery_otel.settings import Settings
from celery_otel.telemetry.exporters import push_exporters, span_exporters
from celery_otel.telemetry.span_senders import span_senders


@pytest.mark.parametrize("compression", ["", "none", "gzip"])
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_every_compression_that_is_accepted_can_be_used(
    monkeypatch: pytest.MonkeyPatch, protocol: str, compression: str
) -> None:
    """What the settings take, the exporters take too: also `none`, or nothing, in the environment of that for gRPC."""
    environ = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_COMPRESSION": compression}
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    settings = Settings.read(environ)
    built: list[tuple[str, Any]] = [
        *push_exporters(settings).items(),
        *span_exporters(settings).items(),
        *span_senders(settings).items(),
    ]
    for _, exporter in built:
        exporter.shutdown()
    assert ["otlp"] * 3 == [name for name, _ in built]
