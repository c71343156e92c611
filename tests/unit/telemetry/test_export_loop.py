"""The loop that exports metrics says what a failed export costs."""

import threading
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData, ResourceMetrics
from opentelemetry.sdk.resources import Resource

from celery_otel.core.births import NoBirths
from celery_otel.core.clock import Clock
from celery_otel.failures import FailureLog
from celery_otel.telemetry.export_loop import ExportLoop
from celery_otel_pipeline.polling import wait_until


class Source:
    """Gives the same each time.

    Args:
        parts: What is exported at each moment but the first and the last.
        first: What is exported first.
        last: What is exported last.
    """

    def __init__(self, *parts: MetricsData, first: MetricsData | None = None, last: MetricsData | None = None) -> None:
        self._parts = parts or (MetricsData([]),)
        self._first, self._last = first or MetricsData([]), last or MetricsData([])
        self.begun, self.given = threading.Event(), threading.Event()

    def introduction(self) -> MetricsData:
        """The first one."""
        return self._first

    def exports(self, pause: Callable[[], object]) -> Iterator[MetricsData]:
        """The parts, with a pause between them."""
        first, *others = self._parts
        yield first
        self.begun.set()
        for part in others:
            pause()
            yield part
        self.given.set()

    def export(self) -> MetricsData:
        """The last one."""
        return self._last


class Failing(MetricExporter):
    """An exporter that delivers nothing."""

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:  # noqa: ARG002  # the SDK's signature
        """Fails."""
        return MetricExportResult.FAILURE

    def force_flush(self, timeout_millis: float = 10_000) -> bool:  # noqa: ARG002  # the SDK's signature
        """Nothing waits."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        """Nothing to end."""


def test_only_the_last_export_loses_something(caplog: pytest.LogCaptureFixture) -> None:
    """A failed export is made good by the next one; after the last there is none, and the line says so."""
    minutes = count(step=60)
    failed = threading.Event()
    loop = ExportLoop(
        Source(),
        lambda: {"otlp": Failing()},
        3600.0,
        lambda _: failed.set(),
        FailureLog(Clock(monotonic=lambda: float(next(minutes)))),
    )
    loop.start()
    assert failed.wait(10), "it does not export"
    assert not loop.close(10)
    first, last = caplog.messages
    assert "Nothing is lost while the worker lives" in first
    assert "What was counted since the last successful export is lost." in last


class Taking(Failing):
    """An exporter that delivers everything."""

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:  # noqa: ARG002  # the SDK's signature
        """Succeeds."""
        return MetricExportResult.SUCCESS


@pytest.mark.parametrize(
    ("delivered", "exporters"),
    [(True, [Taking]), (False, [Taking, Failing]), (False, [Failing, Taking])],
    ids=["all", "not the last", "not the first"],
)
def test_its_end_says_whether_everyone_took_the_last_export(
    delivered: bool,  # noqa: FBT001  # pytest's parameter
    exporters: list[type[Failing]],
) -> None:
    """Only what every exporter has taken is delivered; a loop that never began has delivered nothing."""
    build = lambda: {str(number): kind() for number, kind in enumerate(exporters)}  # noqa: E731  # twice the same
    loop = ExportLoop(Source(), build, 3600.0, lambda _: None, FailureLog())
    assert not loop.close(10)
    loop.start()
    assert delivered is loop.close(10)


class Keeping(Taking):
    """An exporter that remembers what it was given, and fails the first times that it is given something.

    Args:
        failures: How often it fails.
        refused: What it is given then.
    """

    def __init__(self, failures: int = 0, refused: MetricsData | None = None) -> None:
        self._failures = failures
        self._refused = refused
        self.given: list[MetricsData] = []

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:  # noqa: ARG002  # the SDK's signature
        """Succeeds, but for the first times."""
        self.given.append(metrics_data)
        if metrics_data is not self._refused or self.given.count(metrics_data) > self._failures:
            return MetricExportResult.SUCCESS
        return MetricExportResult.FAILURE


@pytest.mark.parametrize(
    ("failures", "failed"),
    [((0,), 0), ((1,), 1), ((1, 0), 1), ((0, 1), 0)],
    ids=["taken", "not taken", "not taken by the first", "not taken by another"],
)
def test_the_first_part_has_to_be_taken(failures: tuple[int, ...], failed: int) -> None:
    """Unless the first exporter takes it, the second part is kept back; that is one failure, not two."""
    introduction, zeros, counts, last = _different(4)
    source = Source(zeros, counts, first=introduction, last=last)
    exporters = {name: Keeping(often, zeros) for name, often in zip("ab", failures, strict=False)}
    seen: list[str] = []
    loop = ExportLoop(source, lambda: exporters, 0.001, seen.append, FailureLog())
    loop.start()
    assert source.given.wait(10), "it does not export"
    assert loop.close(10)
    assert failed == len(seen)
    given = exporters["a"].given
    assert [introduction, *[zeros] * (failed + 1), counts] == given[: failed + 3]
    assert last == given[-1]


def _different(number: int) -> tuple[MetricsData, ...]:
    """So many that are not equal."""
    return tuple(MetricsData([ResourceMetrics(Resource({}), [], str(which))]) for which in range(number))


def test_a_short_life_is_an_introduction_and_one_last_export() -> None:
    """Counts are held back for an interval; at the end, where a collector may be slow, they come at once and in one."""
    introduction, zeros, counts, last = _different(4)
    source, exporter = Source(zeros, counts, first=introduction, last=last), Keeping()
    loop = ExportLoop(source, lambda: {"otlp": exporter}, 3600.0, lambda _: None, FailureLog())
    loop.start()
    wait_until(lambda: exporter.given, deadline=10, message="it does not export")
    assert loop.close(10)
    assert [introduction, last] == exporter.given


class GoingOn(NoBirths):
    """Series that go on from a worker before."""

    goes_on = True


def test_who_goes_on_from_the_worker_before_counts_at_once() -> None:
    """Its totals hide none of those before, and a worker that is killed again and again shows them all the same."""
    zeros, counts = _different(2)
    source, exporter = Source(zeros, counts), Keeping()
    loop = ExportLoop(source, lambda: {"otlp": exporter}, 3600.0, lambda _: None, FailureLog(), GoingOn())
    loop.start()
    assert source.given.wait(10), "it does not export"
    assert [zeros, counts] == exporter.given
    assert loop.close(10)


def test_who_is_told_to_stop_before_the_first_export_makes_the_last_one_alone() -> None:
    """There is no time to say hello."""
    last = MetricsData([])
    building, exporter = threading.Event(), Keeping()

    def build() -> dict[str, MetricExporter]:
        building.wait(10)
        return {"otlp": exporter}

    loop = ExportLoop(Source(last=last), build, 3600.0, lambda _: None, FailureLog())
    loop.start()
    assert not loop.close(0)
    building.set()
    assert loop.close(10)
    assert [last] == exporter.given


def test_a_pause_ends_with_the_loop() -> None:
    """A worker that stops does not wait for what is only about a scrape, and exports all that it has."""
    source = Source(*(MetricsData([]) for _ in range(1000)))
    loop = ExportLoop(source, lambda: {"otlp": Keeping()}, 0.001, lambda _: None, FailureLog())
    loop.start()
    assert source.begun.wait(10), "it does not export"
    assert loop.close(10)
    assert source.given.is_set()


class Broken(Source):
    """Can read nothing."""

    def introduction(self) -> MetricsData:
        """Fails."""
        raise LookupError("no reading")

    def exports(self, pause: Callable[[], object]) -> Iterator[MetricsData]:  # noqa: ARG002  # as the loop calls it
        """Fails."""
        raise LookupError("no reading")

    def export(self) -> MetricsData:
        """Fails."""
        raise LookupError("no reading")


def test_a_reading_that_fails_is_a_failed_export(caplog: pytest.LogCaptureFixture) -> None:
    """For every exporter, with what went wrong."""
    failed: list[str] = []
    both = threading.Event()

    def count_failure(name: str) -> None:
        failed.append(name)
        if len(failed) > 1:
            both.set()

    loop = ExportLoop(Broken(), lambda: {"otlp": Taking(), "console": Taking()}, 3600.0, count_failure, FailureLog())
    loop.start()
    assert both.wait(10), "it says nothing"
    assert not loop.close(10)
    assert ["otlp", "console"] == failed[:2]
    assert "LookupError: no reading" in caplog.text
