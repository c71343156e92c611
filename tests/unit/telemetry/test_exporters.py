"""The exporters that the settings ask for can be built."""

from collections.abc import Mapping
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
    built: list[Mapping[str, Any]] = [push_exporters(settings), span_exporters(settings), span_senders(settings)]
    for exporters in built:
        exporters["otlp"].shutdown()
    assert [["otlp"]] * 3 == [list(exporters) for exporters in built]
