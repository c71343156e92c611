"""A worker that is started again under its name is one that begins at 0, for Prometheus, too."""

import os

import pytest

from celery_otel import names
from celery_otel.failures import FailureLog
from celery_otel.metric import Labels, Metric, Readings, Value
from celery_otel.settings import Settings
from celery_otel.telemetry.pipeline import MetricsPipeline
from celery_otel_pipeline.ledger import counter_total
from celery_otel_pipeline.polling import wait_until
from tests.acceptance.ledger.scene import SETTLING, Pipeline

ORDER, FAILURE = ("shop.order", "success"), ("shop.order", "ValueError")
#: In milliseconds: so long that no counts are exported before the end; and so short that nobody waits.
NEVER, OFTEN = "3600000", "300"


@pytest.fixture
def job(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The service of the test's lives. The exporter reads the environment itself."""
    job = str(request.node.name)
    monkeypatch.setenv("OTEL_SERVICE_NAME", job)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", pipeline.tap.endpoint)
    return job


def _life(readings: Readings, monkeypatch: pytest.MonkeyPatch, interval: str) -> MetricsPipeline:
    """The exports of a worker that has counted this."""
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", interval)
    return MetricsPipeline(Settings.read(os.environ), "shop", FailureLog(), "w@host", lambda: readings, lambda _: None)


def _see(pipeline: Pipeline, metric: str, job: str, number: int) -> None:
    """Wait until Prometheus has counted so many, and hold that it counts no more."""
    found = lambda: counter_total(pipeline.prometheus.series(f'{metric}{{job="{job}"}}'))  # noqa: E731  # twice the same
    wait_until(lambda: found() >= number, deadline=SETTLING, message=lambda: f"{found()} of {number} are seen")
    pipeline.wait_for_scrapes(2)
    assert number == found()


def _exported(pipeline: Pipeline, job: str, number: int) -> None:
    wait_until(lambda: len(pipeline.tap.resources(job)) >= number, deadline=SETTLING, message="it does not export")


def test_a_worker_that_is_back_at_once_hides_no_count(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, job: str
) -> None:
    """What a life has exported last stays to be scraped, until the next one has been there for an interval."""
    counted: dict[Metric, dict[Labels, Value]] = {names.TASK_TOTAL: {ORDER: 1}}
    first = _life(counted, monkeypatch, OFTEN)
    first.start()
    _see(pipeline, names.TASK_TOTAL.series, job, 1)
    counted[names.TASK_TOTAL] = {ORDER: 3}
    assert first.close(SETTLING)
    second = _life({names.TASK_TOTAL: {ORDER: 1}}, monkeypatch, NEVER)
    second.start()
    _see(pipeline, names.TASK_TOTAL.series, job, 3)
    assert second.close(SETTLING)
    _see(pipeline, names.TASK_TOTAL.series, job, 4)


def test_scrapes_before_a_series_arrives_hide_no_count(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, job: str
) -> None:
    """A series that begins with its first event counts in both lives, though the export of the second is late."""
    for life in range(2):
        counted: dict[Metric, dict[Labels, Value]] = {names.TASK_TOTAL: {ORDER: 1}}
        worker = _life(counted, monkeypatch, OFTEN)
        before = len(pipeline.tap.resources(job))
        worker.start()
        # One that was under way when the series began, and the first one with it.
        _exported(pipeline, job, before + 3)
        with pipeline.tap.delaying():
            counted[names.TASK_FAILURES] = {FAILURE: 1}
            _exported(pipeline, job, len(pipeline.tap.resources(job)) + 1)
            pipeline.wait_for_scrapes(2)
        _see(pipeline, names.TASK_FAILURES.series, job, life + 1)
        assert worker.close(SETTLING)
