"""Runs rounds: in each, a fresh worker of every variant takes its turns with the others."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.fetching import fetch
from tests.benchmarks.contestant import Contestant, turns
from tests.benchmarks.latency import Latency
from tests.benchmarks.resources import NOTHING, Memory, Spent
from tests.benchmarks.scrapes import Scrape
from tests.benchmarks.traffic import Traffic
from tests.benchmarks.variants import Variant

#: Tasks before the measurement: they fill caches and start what starts late.
WARM_UP = 300
#: Turns of each worker in a round; the order is turned round from one to the next.
TURNS = 6
#: Tasks whose latency is measured.
STAMPED = 200
#: The repository's collector would sample the spans and keep them on the disk for Jaeger, on the cores that measure.
#: Its way there is left as it is, for spans from nobody; these end in the collector.
SPANS_END_HERE = (
    "yaml:exporters::debug::verbosity: basic",
    "yaml:receivers::otlp/nobody::protocols::http::endpoint: 127.0.0.1:0",
    "yaml:service::pipelines::traces::receivers: [otlp/nobody]",
    "yaml:service::pipelines::traces/end: {receivers: [otlp], processors: [memory_limiter], exporters: [debug]}",
)


@dataclass(frozen=True)
class Result:
    """What one worker used in one round.

    Attributes:
        spent: Per task: CPU time, and by the clock while there was work.
        memory: After its last task.
        publishing: CPU seconds per message that was published to it.
        traffic: What the broker did per task.
        latency: From publishing to a task's first line.
        scrape: What it costs to read the numbers once; None where there is nothing to read.
    """

    spent: Spent
    memory: Memory
    publishing: float
    traffic: Traffic
    latency: Latency
    scrape: Scrape | None


Round = dict[str, Result]
Progress = Callable[[str], None]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector in which spans end."""
    with tempfile.TemporaryDirectory(prefix="celery-otel-bench-") as name:
        collector = Collector(Path(name))
        for configuration in SPANS_END_HERE:
            collector.process.argv += ["--config", configuration]
        with collector:
            yield collector


def compare(variants: Sequence[Variant], *, rounds: int, tasks: int, progress: Progress) -> list[Round]:
    """Measure every variant in every round.

    Args:
        variants: What is compared.
        rounds: How many times, each with new processes.
        tasks: How many tasks each worker runs in a round, besides those that warm it up.
        progress: Called with a line before each round.
    """
    results = []
    for number in range(1, rounds + 1):
        progress(f"round {number} of {rounds}")
        with collecting() as collector:
            results.append(_round(variants, collector, tasks))
    return results


def _round(variants: Sequence[Variant], collector: Collector, tasks: int) -> Round:
    directory = collector.process.log_path.parent
    with ExitStack() as stack:
        contestants = [
            stack.enter_context(Contestant(variant, otlp_endpoint=collector.otlp_http_endpoint, directory=directory))
            for variant in variants
        ]
        for contestant in contestants:
            contestant.run(WARM_UP)
        spent = _take_turns(contestants, tasks // TURNS)
        return {
            contestant.variant.key: _result(contestant, spent[contestant.variant.key], collector, tasks // TURNS)
            for contestant in contestants
        }


def _take_turns(contestants: Sequence[Contestant], tasks: int) -> dict[str, Spent]:
    spent = {contestant.variant.key: NOTHING for contestant in contestants}
    for turn in turns(contestants, TURNS):
        for contestant in turn:
            spent[contestant.variant.key] += contestant.run(tasks)
    return spent


def _result(contestant: Contestant, spent: Spent, collector: Collector, tasks: int) -> Result:
    memory = contestant.memory()
    publishing = sum(contestant.published[1:]) / TURNS
    traffic = contestant.traffic(tasks) / tasks
    latency = contestant.latency(STAMPED)
    return Result(spent / (tasks * TURNS), memory, publishing, traffic, latency, _scrape(contestant, collector))


def _scrape(contestant: Contestant, collector: Collector) -> Scrape | None:
    def broker() -> Traffic:
        return Traffic.of(contestant.redis)

    if (monitor := contestant.monitor) is not None:
        return Scrape.of(lambda: monitor.page, broker)
    if contestant.variant.exports:
        return Scrape.of(lambda: fetch(collector.metrics_url), broker)
    return None
