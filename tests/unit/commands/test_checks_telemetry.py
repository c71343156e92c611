"""What is said of the way of the numbers."""

import pytest

from celery_otel.doctor import checks_telemetry
from celery_otel.doctor.facts import Page, Reached, WorkerSeries
from celery_otel.doctor.finding import Level
from tests.unit.commands.cluster import NAME, NOW, bad, facts, page, worker

INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"


@pytest.mark.parametrize(
    ("reached", "level"),
    [
        (Reached("http://h", error="refused"), Level.PROBLEM),
        (Reached("http://h", status=401), Level.PROBLEM),
        (Reached("http://h", status=404), Level.PROBLEM),
        (Reached("http://h", status=503), Level.WARNING),
        (Reached("http://h", status=200), Level.OK),
        (Reached("http://h"), Level.OK),
    ],
    ids=["away", "token", "path", "busy", "well", "grpc"],
)
def test_the_collector(reached: Reached, level: Level) -> None:
    """A collector that is away or refuses is a problem, one that cannot just now is a warning."""
    assert [level] == [finding.level for finding in checks_telemetry.collector(facts(collector=reached))]


def test_no_collector() -> None:
    """Nothing is said of a collector that nobody exports to."""
    assert [] == list(checks_telemetry.collector(facts(collector=None)))


def test_not_looked_at() -> None:
    """What nobody said the address of is skipped, which is not the same as being well."""
    nowhere = facts(collector_page=None, prometheus=None)
    found = [*checks_telemetry.collector_metrics(nowhere), *checks_telemetry.prometheus(nowhere)]
    assert [Level.SKIPPED, Level.SKIPPED] == [finding.level for finding in found]


def test_a_worker_without_series() -> None:
    """A worker that answers and has no series is a problem; one that is not instrumented has none to have."""
    workers = [worker(), worker("celery@plain", instrumented=False)]
    found = bad(list(checks_telemetry.collector_metrics(facts(workers=workers, collector_page=page()))))
    missing = "no series celery_worker_pool_size of this worker"
    assert [(Level.PROBLEM, f"collector's metrics: {NAME}", missing)] == found


def test_stale_series() -> None:
    """A worker that answers, and whose last beat is older than two minutes, is a problem."""
    old = Page(Reached("http://h"), [WorkerSeries(NAME, {}, NOW - 150), WorkerSeries("celery@gone", {}, NOW - 150)])
    found = bad(list(checks_telemetry.prometheus(facts(prometheus=old))))
    assert [(Level.PROBLEM, f"Prometheus: {NAME}", "its last beat is 150 s old")] == found


def test_a_page_that_is_away() -> None:
    """A page that cannot be read is one problem, not one for each worker."""
    away = Page(Reached("http://h", error="refused"))
    found = bad(list(checks_telemetry.collector_metrics(facts(collector_page=away))))
    assert [(Level.PROBLEM, "collector's metrics", "http://h is of no use: refused")] == found


def test_scraped_twice() -> None:
    """A worker with two series in Prometheus is counted twice, which is a problem that names both sources."""
    twice = page(NAME, NAME, targets=("api at api:8000", "celery_workers at collector:8889"))
    found = bad(list(checks_telemetry.prometheus(facts(prometheus=twice))))
    said = (
        f"{NAME} has more than one series celery_worker_pool_size, scraped from api at api:8000 and celery_workers at "
        "collector:8889"
    )
    assert [(Level.PROBLEM, "Prometheus counts twice", said)] == found


@pytest.mark.parametrize(
    ("expected", "environ", "every"),
    [
        ("every 15 s, and workers export every 5 s (OTEL_METRIC_EXPORT_INTERVAL)", {INTERVAL: "5000"}, 15.0),
        (None, {}, 15.0),
        (None, {INTERVAL: "5000"}, 0.0),
        (None, {INTERVAL: "5000", "CELERY_OTEL_STATE_DIRECTORY": "/run/state"}, 15.0),
        (None, {INTERVAL: "5000", "OTEL_METRICS_EXPORTER": "prometheus"}, 15.0),
        (None, {INTERVAL: "5000", "OTEL_SDK_DISABLED": "true"}, 15.0),
        (None, {INTERVAL: "soon"}, 15.0),
    ],
    ids=["seldom", "as often", "not known", "kept", "scraped itself", "off", "of no use"],
)
def test_scraped_seldom(expected: str | None, environ: dict[str, str], every: float) -> None:
    """Scrapes of the collector that are fewer than exports are a warning, unless counts are kept."""
    found = bad(list(checks_telemetry.prometheus(facts(environ=environ, prometheus=page(NAME, scraped_every=every)))))
    assert ([(Level.WARNING, "Prometheus's scrapes", expected)] if expected else []) == found


def test_several_targets() -> None:
    """Several targets with a series of each worker once may be well, or may be one that is overwritten: a warning."""
    several = page(NAME, targets=("api at api:8000", "celery_workers at collector:8889"))
    found = [finding.level for finding in checks_telemetry.prometheus(facts(prometheus=several))]
    assert [Level.OK, Level.WARNING] == found
