"""Runs rounds: in each, a fresh worker of every variant takes its turns with the others."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.redis import RedisServer
from tests.benchmarks.contestant import Contestant
from tests.benchmarks.resources import NOTHING, Memory, Spent
from tests.benchmarks.variants import Variant

#: Tasks before the measurement: they fill caches and start what starts late.
WARM_UP = 300
#: Turns of each worker in a round; the order is turned round from one to the next.
TURNS = 6
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
        spent: Per task, in seconds: CPU time, and by the clock while there was work.
        memory: After its last task.
        publishing: CPU seconds per message that was published to it.
    """

    spent: Spent
    memory: Memory
    publishing: float


Round = dict[str, Result]
Progress = Callable[[str], None]


@contextmanager
def servers() -> Iterator[tuple[RedisServer, Collector]]:
    """A broker and a collector."""
    with tempfile.TemporaryDirectory(prefix="celery-otel-bench-") as name, ExitStack() as stack:
        directory = Path(name)
        collector = Collector(directory)
        for configuration in SPANS_END_HERE:
            collector.process.argv += ["--config", configuration]
        yield stack.enter_context(RedisServer(directory)), stack.enter_context(collector)


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
        with servers() as (redis, collector):
            results.append(_round(_contestants(variants, redis, collector), tasks))
    return results


def _contestants(variants: Sequence[Variant], redis: RedisServer, collector: Collector) -> list[Contestant]:
    return [
        Contestant(
            variant,
            broker_url=redis.url.removesuffix("/0") + f"/{database}",
            otlp_endpoint=collector.otlp_http_endpoint,
            directory=redis.process.log_path.parent,
        )
        for database, variant in enumerate(variants)
    ]


def _round(contestants: list[Contestant], tasks: int) -> Round:
    with ExitStack() as stack:
        for contestant in contestants:
            stack.enter_context(contestant)
        for contestant in contestants:
            contestant.run(WARM_UP)
        spent = _take_turns(contestants, tasks // TURNS)
        return {
            contestant.variant.key: Result(
                spent[contestant.variant.key] / (tasks // TURNS * TURNS),
                contestant.memory(),
                sum(contestant.published[1:]) / TURNS,
            )
            for contestant in contestants
        }


def _take_turns(contestants: list[Contestant], tasks: int) -> dict[str, Spent]:
    spent = {contestant.variant.key: NOTHING for contestant in contestants}
    for turn in range(TURNS):
        # There and back: who comes first in one turn comes last in the next, so a machine that slows down hits all.
        for contestant in contestants if turn % 2 == 0 else reversed(contestants):
            spent[contestant.variant.key] += contestant.run(tasks)
    return spent
