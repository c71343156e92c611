"""What one collector and one Prometheus bear as workers grow in number: real exports of simulated workers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from pathlib import Path

import psutil

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.prometheus import PrometheusServer
from tests.benchmarks.growth.growth import LINEAR, Growth
from tests.benchmarks.growth.inprocess import Exporter, InProcessWorker, Readings, renamed
from tests.benchmarks.growth.scale import Scale
from tests.benchmarks.resources import MEGABYTE, used

#: Tasks of each worker, all of which have succeeded and failed.
TASKS = 5
ROUNDS = 3
SCRAPES = 3
MILLISECONDS = 1000
_DEADLINE = 180.0


@dataclass(frozen=True)
class Load:
    """What so many workers cost.

    Attributes:
        export: CPU seconds of the collector for one export of all workers.
        scrape: CPU seconds of the collector and of Prometheus for one scrape.
        seconds: How long Prometheus waited for the page.
        series: How many are on it.
        collector: Resident memory of the collector, in MB.
        prometheus: Resident memory of Prometheus, in MB.
    """

    export: float
    scrape: float
    seconds: float
    series: float
    collector: float
    prometheus: float


def by_workers(directory: Path, scale: Scale) -> list[Growth]:
    """With workers that export to one collector, which one Prometheus scrapes."""
    loads = {size: _load(directory / str(size), size, scale.scrape_interval) for size in scale.workers}

    def growth(figure: str, unit: str, read: Callable[[Load], float]) -> Growth:
        return Growth(figure, unit, {size: read(load) for size, load in loads.items()}, LINEAR)

    return [
        growth("collector's CPU, all export once", "ms", lambda load: load.export * MILLISECONDS),
        growth("CPU of collector and Prometheus per scrape", "ms", lambda load: load.scrape * MILLISECONDS),
        # By the clock: whatever else the machine does makes it longer, and the longer it is, the more so.
        replace(growth("a scrape, by the clock", "ms", lambda load: load.seconds * MILLISECONDS), bound=inf),
        growth("series", "", lambda load: load.series),
        growth("collector's memory", "MB", lambda load: load.collector),
        growth("Prometheus' memory", "MB", lambda load: load.prometheus),
    ]


def _load(directory: Path, workers: int, interval: float) -> Load:
    with Collector(directory) as collector, _exporters(collector.otlp_http_endpoint, workers) as exporters:
        _export(exporters)
        before = used(collector.pid)
        for _ in range(ROUNDS):
            _export(exporters)
        export = (used(collector.pid) - before) / ROUNDS
        expected = _series(fetch(collector.metrics_url, timeout=60))
        targets = {"celery_workers": collector.metrics_target}
        with PrometheusServer(directory, targets=targets, scrape_interval=f"{interval:g}s") as prometheus:
            return _scraped(collector, prometheus, export, expected)


def _scraped(collector: Collector, prometheus: PrometheusServer, export: float, expected: int) -> Load:
    number = partial(_scrapes, prometheus)
    wait_until(lambda: number() >= 1, deadline=_DEADLINE, message="Prometheus does not scrape the collector")
    first, before = number(), used(collector.pid) + used(prometheus.pid)
    wait_until(lambda: number() >= first + SCRAPES, deadline=_DEADLINE, message="Prometheus does not go on scraping")
    scrape = (used(collector.pid) + used(prometheus.pid) - before) / (number() - first)
    _wait_for_series(prometheus, expected)
    seconds = _value(prometheus, 'scrape_duration_seconds{job="celery_workers"}')
    return Load(export, scrape, seconds, expected, _memory(collector.pid), _memory(prometheus.pid))


def _wait_for_series(prometheus: PrometheusServer, expected: int) -> None:
    """Return when Prometheus has all series of the page. On a busy machine a scrape may come too late, and has none."""

    def found() -> float:
        return _value(prometheus, 'count({__name__=~"celery_.+"})')

    wait_until(
        lambda: found() == expected,
        deadline=_DEADLINE,
        interval=1.0,
        message=lambda: f"the collector's page has {expected} series, Prometheus {found():g}",
    )


@contextmanager
def _exporters(endpoint: str, number: int) -> Iterator[Sequence[Exporter]]:
    names = [f"worker{index:03}@bench" for index in range(number)]
    with InProcessWorker([f"growth.task{index}" for index in range(TASKS)]) as succeeding:
        succeeding.attempts(TASKS * 20)
        exporters = [Exporter(_reader(succeeding.read(), name), name, endpoint) for name in names]
        try:
            yield exporters
        finally:
            for exporter in exporters:
                exporter.close()


def _reader(readings: Readings, name: str) -> Callable[[], Readings]:
    own = renamed(readings, name)
    return lambda: own


def _export(exporters: Sequence[Exporter]) -> None:
    for exporter in exporters:
        exporter.export()


def _series(page: str) -> int:
    return sum(line.startswith("celery_") for line in page.splitlines())


def _scrapes(prometheus: PrometheusServer) -> float:
    return sum(up for series in prometheus.series('up{job="celery_workers"}') for _, up in series.points)


def _value(prometheus: PrometheusServer, expr: str) -> float:
    found = prometheus.query(expr)
    return found[0].value if found else 0.0


def _memory(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / MEGABYTE
