"""A beat exports under a name and on a port of its own."""

import socket

import pytest

from celery_otel.settings import Settings
from celery_otel.telemetry.beat import BeatPipeline, beat_name, beat_settings

HOST = socket.gethostname()
GIVEN = {"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=pod-0"}
PROMETHEUS = {"OTEL_METRICS_EXPORTER": "otlp,prometheus"}


@pytest.mark.parametrize(
    ("expected", "worker", "environ"),
    [
        (f"beat@{HOST}", None, {}),
        ("beat-w1@host", "w1@host", {}),
        ("pod-0", None, GIVEN),
        ("beat-pod-0", "w1@host", GIVEN),
        ("tick", None, {"CELERY_OTEL_BEAT_NAME": "tick", **GIVEN}),
        ("tick", "w1@host", {"CELERY_OTEL_BEAT_NAME": "tick", **GIVEN}),
    ],
)
def test_a_beat_never_has_the_name_of_a_worker(expected: str, worker: str | None, environ: dict[str, str]) -> None:
    """An embedded beat is named after its worker, and no more; an identity of the whole program is the worker's."""
    assert expected == beat_name(Settings.read(environ), worker)


@pytest.mark.parametrize(
    ("expected", "embedded", "environ"),
    [
        ((("otlp", "prometheus"), 9464), False, PROMETHEUS),
        ((("otlp",), 9464), True, PROMETHEUS),
        ((("otlp", "prometheus"), 9500), True, {**PROMETHEUS, "CELERY_OTEL_BEAT_PROMETHEUS_PORT": "9500"}),
        ((("otlp", "prometheus"), 9500), False, {**PROMETHEUS, "CELERY_OTEL_BEAT_PROMETHEUS_PORT": "9500"}),
    ],
)
def test_an_embedded_beat_leaves_the_port_to_its_worker(
    expected: tuple[tuple[str, ...], int], environ: dict[str, str], *, embedded: bool
) -> None:
    """It serves on a port only if that is its own."""
    own = beat_settings(Settings.read(environ), "beat@host", embedded=embedded)
    assert expected == (own.exporters, own.prometheus_port)
    assert "beat@host" == own.resource_attributes["service.instance.id"]


def test_a_second_beat_of_a_machine_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the second one and asks whether it is meant; a beat of another service is none."""
    settings = Settings.read({"OTEL_METRICS_EXPORTER": "none", "CELERY_OTEL_BEAT_NAME": "test@host"})
    pipelines = [BeatPipeline(settings, app, None, dict, print) for app in ("shop", "other", "shop")]
    for one in pipelines:
        one.start()
        one.close()
    (line,) = caplog.messages
    assert "calls this beat test-2@host: another beat of shop runs on this machine" in line


def test_an_embedded_beat_without_a_port_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """The log says what to do."""
    settings = Settings.read({"OTEL_METRICS_EXPORTER": "prometheus", "CELERY_OTEL_BEAT_NAME": "test@host"})
    BeatPipeline(settings, "shop", "w1@host", dict, print).close()
    (line,) = caplog.messages
    assert "Give beat its own by CELERY_OTEL_BEAT_PROMETHEUS_PORT" in line
