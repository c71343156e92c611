"""A worker that is started again under its name is one that begins at 0, for Prometheus, too."""

import os

import pytest

from celery_otel import names
from celery_otel.failures import FailureLog
from celery_otel.metric import Readings
from celery_otel.settings import Settings
from celery_otel.telemetry.pipeline import MetricsPipeline
from celery_otel_pipeline.ledger import counter_total
from celery_otel_pipeline.polling import wait_until
from tests.acceptance.ledger.scene import SETTLING, Pipeline

JOB = "second-life"
#: Less than the test's patience, and so long that only what is exported at once and at the end is.
INTERVAL = "3600000"


def _life() -> MetricsPipeline:
    """The exports of a worker that has counted one task."""
    readings: Readings = {names.TASK_TOTAL: {("shop.order", "success"): 1}}
    return MetricsPipeline(Settings.read(os.environ), "shop", FailureLog(), "w@host", lambda: readings, lambda _: None)


def _seen(pipeline: Pipeline) -> float:
    return counter_total(pipeline.prometheus.series(f'celery_task_total{{job="{JOB}"}}'))


def test_scrapes_before_the_first_export_arrives_hide_no_count(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both lives count, though the second one's first export is late and Prometheus scrapes what the first has left."""
    # The exporter reads them itself.
    monkeypatch.setenv("OTEL_SERVICE_NAME", JOB)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", pipeline.tap.endpoint)
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", INTERVAL)
    first, second = _life(), _life()
    first.start()
    wait_until(lambda: _seen(pipeline) == 1, deadline=SETTLING, message="the first life is not seen")
    assert first.close(SETTLING)
    pipeline.wait_for_scrapes(2)
    with pipeline.tap.delaying():
        before = len(pipeline.tap.resources(JOB))
        second.start()
        wait_until(lambda: len(pipeline.tap.resources(JOB)) > before, deadline=SETTLING, message="it does not export")
        pipeline.wait_for_scrapes(2)
    assert second.close(SETTLING)
    pipeline.wait_for_scrapes(3)
    assert 2 == _seen(pipeline)
