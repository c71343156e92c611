"""What a worker says of its counts when nobody has taken its last export is true, also where they were to be kept."""

import os
from itertools import count
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics.export import MetricExporter

from celery_otel import names
from celery_otel.core.clock import Clock
from celery_otel.failures import FailureLog
from celery_otel.settings import Settings
from celery_otel.state.directory import StateDirectory
from celery_otel.telemetry import pipeline as module
from celery_otel.telemetry.export_loop import LOST, ON_DISK
from celery_otel.telemetry.pipeline import MetricsPipeline
from tests.unit.state.lives import Life
from tests.unit.telemetry.test_export_loop import Failing


class FillingDirectory(StateDirectory):
    """A directory whose disk is full after the first log."""

    def begin_log(self, generation: int) -> int:
        """The first one, then what takes nothing."""
        return os.open("/dev/full", os.O_WRONLY) if generation > 1 else super().begin_log(generation)


@pytest.mark.parametrize(("said", "full", "found"), [(ON_DISK, False, 1), (LOST, True, 0)], ids=["kept", "given up"])
def test_what_is_said_at_the_end_is_true(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    said: str,
    full: bool,  # noqa: FBT001  # pytest's parameter
    found: int,
) -> None:
    """Counts are said to be on disk if the next worker finds them there, and to be lost if the state was given up."""
    life = Life(tmp_path, directory=FillingDirectory(tmp_path))
    metrics = _pipeline(life, monkeypatch)
    metrics.start()
    if full:
        life.state.begin()
    life.ledger.count(names.TASK_UNKNOWN)
    metrics.close(10)
    assert [said] == [text for text in (ON_DISK, LOST) if text in caplog.text]
    life.kill()
    again = Life(tmp_path)
    assert {(): found} == again.ledger.read()[names.TASK_UNKNOWN]
    again.kill()


def _pipeline(life: Life, monkeypatch: pytest.MonkeyPatch) -> MetricsPipeline:
    """One that exports to nobody, and logs every line."""
    exporters: dict[str, MetricExporter] = {"otlp": Failing()}
    monkeypatch.setattr(module, "push_exporters", lambda _: exporters)
    settings, minutes = Settings.read({"OTEL_METRICS_EXPORTER": "console"}), count(step=60)
    log = FailureLog(Clock(monotonic=lambda: float(next(minutes))))
    return MetricsPipeline(settings, "shop", log, "w@host", life.ledger.read, lambda _: None, life.state.births)
