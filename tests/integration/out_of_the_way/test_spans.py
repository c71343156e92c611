"""Whatever the collector does with spans, the worker works, and each span is exported, dropped, or waits."""

import threading
import time
from types import TracebackType
from typing import Self

import pytest
from prometheus_client.parser import text_string_to_metric_families

from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.otlp_sink import OtlpSink
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from tests.integration.out_of_the_way.breakable import BREAKABLE_SPANS
from tests.integration.out_of_the_way.conftest import Disturb
from tests.integration.out_of_the_way.disturbed import Disturbed
from tests.integration.out_of_the_way.endpoints import (
    Failing,
    Garbage,
    Overloaded,
    Refusing,
    Rejecting,
    Silent,
)

TASKS = 1000
#: Seconds that a collector is away while tasks run at full rate.
AWAY = 60
FAILURES = "celery_otel_export_failures_total"
EXPORTED, DROPPED = "celery_otel_spans_exported_total", "celery_otel_spans_dropped_total"
WAITING, ENDED = "celery_otel_spans_waiting", "celery_task_total"
#: The metrics are read from the worker itself: whatever the collector does, it does to spans.
SPANS_ALONE = {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
#: What CELERY_OTEL_SPAN_QUEUE_SECONDS=0.1 makes of memory, and what the smallest span takes of it, in bytes.
TINY, SMALLEST = 50_000, 600
#: How many times so many tasks run then: their spans would need 6 MB at the least.
MANY = 10


def figures(disturbed: Disturbed) -> dict[str, float]:
    """Exported, dropped and waiting spans, and ended attempts, in one reading."""
    found = dict.fromkeys((EXPORTED, DROPPED, WAITING, ENDED), 0.0)
    for family in text_string_to_metric_families(fetch(disturbed.metrics_url)):
        for sample in family.samples:
            if sample.name in found:
                found[sample.name] += sample.value
    return found


def balances(found: dict[str, float]) -> bool:
    """Whether each attempt that has ended has one span, which is somewhere."""
    return found[EXPORTED] + found[DROPPED] + found[WAITING] == found[ENDED]


class Watch:
    """Reads the figures again and again while it is entered.

    Attributes:
        readings: How many there were.
        broken: Those that did not balance.
    """

    def __init__(self, disturbed: Disturbed) -> None:
        self.readings = 0
        self.broken: list[dict[str, float]] = []
        self._disturbed = disturbed
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")

    def _run(self) -> None:
        while not self._ending.wait(0.02):
            found = figures(self._disturbed)
            self.readings += 1
            if not balances(found):
                self.broken.append(found)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()


def different(sink: OtlpSink) -> int:
    """How many spans of attempts have arrived: one that was delivered twice counts once."""
    return len({span.span_id for span in sink.spans(kind="CONSUMER")})


def run_for(seconds: float, disturbed: Disturbed) -> int:
    """Keeps the worker busy for that long; returns how many tasks it has run."""
    tasks, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        tasks += len(disturbed.run(TASKS))
    return tasks


def test_a_collector_that_comes_back_gets_every_span(disturb: Disturb) -> None:
    """Away for a minute at full rate, and then back, it gets one span for each attempt; every reading balances."""
    port = free_port()
    with disturb(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{LOOPBACK}:{port}", **SPANS_ALONE) as disturbed:
        with Watch(disturbed) as watch:
            tasks = run_for(AWAY, disturbed)
            disturbed.wait_for(1, FAILURES, exporter="otlp")
            disturbed.wait_for(tasks, ENDED)
            assert {EXPORTED: 0, DROPPED: 0, WAITING: tasks, ENDED: tasks} == figures(disturbed)
            with OtlpSink(port) as sink:
                tasks += len(disturbed.run(TASKS))
                wait_until(
                    lambda: different(sink) == tasks,
                    deadline=120,
                    message=lambda: f"{different(sink)} spans of {tasks}",
                )
                disturbed.wait_for(tasks, EXPORTED)
        assert [] == watch.broken
        assert watch.readings > 0
        assert {EXPORTED: tasks, DROPPED: 0, WAITING: 0, ENDED: tasks} == figures(disturbed)


def test_a_collector_that_stays_away_costs_bounded_memory(disturb: Disturb) -> None:
    """Away for longer than the queue holds: the oldest spans are dropped and counted, and the rest arrives later."""
    port = free_port()
    env = {**SPANS_ALONE, "CELERY_OTEL_SPAN_QUEUE_SECONDS": "0.1"}
    with disturb(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{LOOPBACK}:{port}", **env) as disturbed:
        with Watch(disturbed) as watch:
            disturbed.run(TASKS)
            before = disturbed.memory
            ended = TASKS + sum(len(disturbed.run(TASKS)) for _ in range(MANY))
            growth = disturbed.memory - before
            away = figures(disturbed)
            with OtlpSink(port) as sink:
                wait_until(
                    lambda: figures(disturbed)[WAITING] == 0, deadline=60, message=lambda: str(figures(disturbed))
                )
                back = figures(disturbed)
        assert [] == watch.broken
        assert 0 < away[WAITING] <= TINY / SMALLEST
        assert growth < MANY * TASKS * SMALLEST, "more than the spans that it dropped would need"
        assert 0 == away[EXPORTED]
        assert ended == back[EXPORTED] + back[DROPPED]
        assert back[EXPORTED] == different(sink) > 0


@pytest.mark.parametrize("endpoint", [Refusing, Silent, Garbage, Failing, Overloaded])
def test_a_collector_in_trouble_is_not_the_workers_trouble(
    endpoint: type[Refusing | Silent | Garbage | Failing | Overloaded], disturb: Disturb, bare_stop: float
) -> None:
    """All tasks succeed, no span is dropped, one line tells of the trouble, and the end is not held up."""
    with endpoint() as collector, disturb(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **SPANS_ALONE) as disturbed:
        assert [2 * number for number in range(20)] == disturbed.run(20)
        disturbed.wait_for(1, FAILURES, exporter="otlp")
        # A result is there before the worker has counted it.
        disturbed.wait_for(20, ENDED)
        assert {EXPORTED: 0, DROPPED: 0, WAITING: 20, ENDED: 20} == figures(disturbed)
        disturbed.stop_within(bare_stop)
        (line,) = disturbed.lines
        assert "could not export spans" in line
        assert "Exception in thread" not in disturbed.worker.log


def test_what_a_collector_never_takes_is_dropped(disturb: Disturb, bare_stop: float) -> None:
    """Spans that are refused for what they are do not come again: they are counted as dropped, and one line says so."""
    with Rejecting() as collector, disturb(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **SPANS_ALONE) as disturbed:
        disturbed.run(20)
        disturbed.wait_for(20, DROPPED)
        assert {EXPORTED: 0, DROPPED: 20, WAITING: 0, ENDED: 20} == figures(disturbed)
        disturbed.stop_within(bare_stop)
        (line,) = disturbed.lines
        assert "400" in line
        assert "They are dropped." in line


@pytest.mark.parametrize("hook", BREAKABLE_SPANS)
def test_a_span_hook_that_raises_costs_spans_alone(hook: str, disturb: Disturb, bare_stop: float) -> None:
    """All tasks succeed and are counted, whatever fails about their spans; each failure is counted, one line tells."""
    with OtlpSink() as sink:
        # With content there is something to keep of every report.
        env = {"BROKEN_HOOK": hook, "CELERY_OTEL_CAPTURE_CONTENT": "true", **SPANS_ALONE}
        with disturb(OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint, **env) as disturbed:
            assert [2 * number for number in range(20)] == disturbed.run(20)
            disturbed.wait_for(20, "celery_otel_hook_errors_total", hook="span")
            disturbed.wait_for(20, ENDED, status="success")
            disturbed.stop_within(bare_stop)
            (line,) = disturbed.lines
            assert "celery-otel failed in its hook span" in line
    # Without a receipt there is no span; what an end brings is missing on one that is there, and made up for later.
    assert (0 if hook == "receipt" else 20) == different(sink)
