"""The exporters that the settings ask for can be built."""

import sys
from collections.abc import Mapping
from typing import Any

import pytest

from celery_otel.settings import Settings
from celery_otel.telemetry.exporters import preload, push_exporters, span_exporters
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


def test_nothing_is_preloaded_that_the_exporter_does_not_require(monkeypatch: pytest.MonkeyPatch) -> None:
    """The HTTP exporter 1.45.0 comes without requests: what is preloaded is then the library that it does send with."""
    monkeypatch.setitem(sys.modules, "requests", None)
    monkeypatch.delitem(sys.modules, "urllib3", raising=False)
    preload(Settings.read({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}))
    assert "urllib3" in sys.modules
