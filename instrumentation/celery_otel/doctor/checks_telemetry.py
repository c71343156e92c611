"""Judges the way of the numbers: from the workers to the collector, and from there to Prometheus."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from celery_otel.doctor.facts import Facts, Page, Reached, WorkerSeries
from celery_otel.doctor.finding import Finding, listed, number_of, ok, problem, skipped, warning
from celery_otel.doctor.usable_settings import usable_settings
from celery_otel.names import WORKER_POOL_SIZE

STALE = 120.0
"""Seconds after which a worker's last beat is too old: the collector drops its series then."""
_OK = range(200, 300)
_REFUSED = (401, 403)
_NOT_FOUND = 404


def collector(facts: Facts) -> Iterator[Finding]:
    """Whether the collector takes what is exported."""
    if facts.collector is not None:
        yield _taken(facts.collector)


def _taken(found: Reached) -> Finding:
    if found.error:
        return problem(
            "collector",
            f"{found.where} is not reachable: {found.error}",
            "Start it, or set OTEL_EXPORTER_OTLP_ENDPOINT. Workers go on meanwhile, and counts catch up afterwards.",
        )
    if found.status and found.status not in _OK:
        return _not_taken(f"{found.where} answered {found.status}", found.status)
    return ok("collector", f"{found.where} {'takes exports' if found.status else 'listens'}")


def _not_taken(answer: str, status: int) -> Finding:
    if status in _REFUSED:
        return problem("collector", answer, "Set its token by OTEL_EXPORTER_OTLP_HEADERS.")
    if status == _NOT_FOUND:
        return problem(
            "collector",
            f"{answer}: no metrics are received there",
            "Correct OTEL_EXPORTER_OTLP_ENDPOINT: it is the address without /v1/metrics.",
        )
    return warning("collector", answer, "Look into its log.")


def collector_metrics(facts: Facts) -> Iterator[Finding]:
    """Whether the collector shows every worker, and lately."""
    what = "collector's metrics"
    if facts.collector_page is None:
        yield skipped(what, "not looked at", "Give --collector-metrics URL, such as http://localhost:8889/metrics.")
    else:
        advice = "Correct the URL, or start the collector: Prometheus scrapes that page."
        yield from _shown(what, facts, facts.collector_page, advice)


def prometheus(facts: Facts) -> Iterator[Finding]:
    """Whether Prometheus has every worker, and lately."""
    what = "Prometheus"
    if facts.prometheus is None:
        yield skipped(what, "not looked at", "Give --prometheus URL, such as http://localhost:9090.")
    else:
        yield from _shown(what, facts, facts.prometheus, "Correct the URL, or start it.")
        yield from _scraped_twice(facts.prometheus)
        yield from _scraped_seldom(facts.prometheus.scraped_every, facts.environ)


def _shown(what: str, facts: Facts, page: Page, advice: str) -> Iterator[Finding]:
    if page.reached.error:
        yield problem(what, f"{page.reached.where} is of no use: {page.reached.error}", advice)
        return
    missing, stale = _missing(facts, page.series), _stale(facts, page.series)
    for name in missing:
        yield problem(
            f"{what}: {name}",
            f"no series {WORKER_POOL_SIZE.series} of this worker",
            "Wait for one export (OTEL_METRIC_EXPORT_INTERVAL); then look for export failures in the worker's log, and "
            "whether it exports to this collector.",
        )
    for name, age in stale.items():
        yield problem(
            f"{what}: {name}",
            f"its last beat is {age:.0f} s old",
            "The worker does not export any more, or its clock is behind: look into its log.",
        )
    if not missing and not stale:
        workers = len({series.worker for series in page.series})
        yield ok(what, f"{page.reached.where} has {number_of(workers, 'worker')}, fresh")


def _missing(facts: Facts, series: Sequence[WorkerSeries]) -> list[str]:
    """The labels of instrumented workers without a series."""
    instrumented = {worker.name for worker in facts.workers if worker.instrumented}
    labels = {reply.label for reply in facts.replies if reply.name in instrumented}
    return sorted(labels - {one.worker for one in series})


def _stale(facts: Facts, series: Sequence[WorkerSeries]) -> dict[str, float]:
    """The ages of the last beats of workers that answer, where these are too old."""
    answering = {reply.label for reply in facts.replies}
    beats = {one.worker: one.beat_at for one in series if one.beat_at is not None and one.worker in answering}
    return {name: facts.now - beat for name, beat in sorted(beats.items()) if facts.now - beat > STALE}


def _scraped_twice(page: Page) -> Iterator[Finding]:
    counted = Counter(series.worker for series in page.series)
    twice = sorted(name for name, number in counted.items() if number > 1)
    sources = listed(page.targets)
    if twice:
        yield problem(
            "Prometheus counts twice",
            f"{listed(twice)} has more than one series {WORKER_POOL_SIZE.series}, scraped from {sources or '?'}",
            "Scrape the collector alone, with honor_labels, and not the API's /metrics as well.",
        )
    elif len(page.targets) > 1:
        yield warning(
            "Prometheus's targets",
            f"the workers' series are scraped from {sources}",
            "If one of these is the API's /metrics and another one the collector, scrape the collector alone.",
        )


def _scraped_seldom(every: float, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Without a state, counts follow an interval after a worker's start: by then the last ones should be scraped."""
    settings = usable_settings(environ)
    if settings is None or settings.disabled or "otlp" not in settings.exporters:
        return
    if settings.state_directory or every <= settings.interval:
        return
    yield warning(
        "Prometheus's scrapes",
        f"every {every:g} s, and workers export every {settings.interval:g} s (OTEL_METRIC_EXPORT_INTERVAL)",
        "Export no more often than that, or set CELERY_OTEL_STATE_DIRECTORY: else a worker that is back at once under "
        "its name hides what was counted since the last scrape.",
    )
