"""Has every monitor watch the same plan of outcomes, one after the other, each with workers of its own."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.run import all_outcomes, play, run_plan
from tests.acceptance.ledger.scene import APPLICATION, Pipeline, Scene
from tests.benchmarks.counts import ended
from tests.benchmarks.counts.ended import Ends
from tests.benchmarks.counts.followed import Followed
from tests.benchmarks.counts.score import Score
from tests.benchmarks.monitors import CeleryExporter, Flower

BARE = "tests.acceptance.ledger.bare:app"
UPSTREAM = "tests.benchmarks.counts.upstream:app"
#: What a monitor shows is final when it has not changed for so long, in seconds: upstream's spans wait up to 5 s.
AT_REST = 12.0
LONGEST = 120.0
LOOK = 1.0


@dataclass(frozen=True)
class Reading:
    """Reads what a contender counts.

    Attributes:
        ends: What it shows.
        deaths: How often it has ended by itself and was started again.
    """

    ends: Callable[[], Ends]
    deaths: Callable[[], int] = int


@dataclass(frozen=True)
class Contender:
    """One way to count.

    Attributes:
        key: Its short name, which names its queue too.
        name: What the table calls it.
        application: What the workers run.
        watching: Given a scene whose workers do not run yet: a context that gives what reads its counts.
        arguments: More of the workers' command line.
        spared: An outcome that it is not shown.
    """

    key: str
    name: str
    application: str
    watching: Callable[[Scene], AbstractContextManager[Reading]]
    arguments: tuple[str, ...] = ()
    spared: str = ""


@contextmanager
def _ours(scene: Scene) -> Iterator[Reading]:
    yield Reading(lambda: ended.of_plan(scene.reading().totals()))


@contextmanager
def _upstream(scene: Scene) -> Iterator[Reading]:
    yield Reading(lambda: ended.of_upstream(scene.pipeline.tap.spans(scene.job)))


@contextmanager
def _celery_exporter(scene: Scene) -> Iterator[Reading]:
    exporter = CeleryExporter(scene.broker_url, scene.directory)
    with exporter, Followed(exporter, ended.of_celery_exporter) as followed:
        yield Reading(followed.shown, lambda: followed.ended)


@contextmanager
def _flower(scene: Scene) -> Iterator[Reading]:
    flower = Flower(scene.broker_url, scene.directory)
    with flower, Followed(flower, ended.of_flower) as followed:
        yield Reading(followed.shown, lambda: followed.ended)


CONTENDERS = (
    Contender("ours", "celery-otel", APPLICATION, _ours),
    Contender("exporter", "celery-exporter (`-E`)", BARE, _celery_exporter, ("-E",)),
    Contender(
        "exporter-spared",
        "celery-exporter (`-E`), spared what ends it",
        BARE,
        _celery_exporter,
        ("-E",),
        # Its success comes without a runtime, which celery-exporter does not survive.
        spared="lost after the result was stored",
    ),
    Contender("flower", "Flower (`-E`)", BARE, _flower, ("-E",)),
    Contender("upstream", "opentelemetry-instrumentation-celery (spans)", UPSTREAM, _upstream),
)


def contest(contenders: Sequence[Contender], *, seed: int, progress: Callable[[str], None]) -> list[Score]:
    """Play the whole plan for each contender and return what each counted.

    Args:
        contenders: Who counts.
        seed: Decides the order of the outcomes, which is the same for all.
        progress: Called with a line before each.
    """
    with tempfile.TemporaryDirectory(prefix="celery-otel-counts-") as name:
        directory = Path(name)
        with Pipeline(directory / "pipeline") as pipeline:
            return [_score(contender, pipeline, directory, seed, progress) for contender in contenders]


def _score(
    contender: Contender, pipeline: Pipeline, directory: Path, seed: int, progress: Callable[[str], None]
) -> Score:
    progress(f"playing the plan for {contender.name}")
    scene = Scene(
        pipeline,
        Conditions(queue=f"counts-{contender.key}"),
        directory / contender.key,
        arguments=contender.arguments,
        application=contender.application,
    )
    with scene, contender.watching(scene) as reading:
        scene.start_workers()
        outcomes = [outcome for outcome in all_outcomes(scene) if outcome.name != contender.spared]
        play(scene, outcomes, seed)
        planned = ended.of_plan(run_plan(scene, outcomes))
        return Score(contender.name, planned, _settled(reading.ends, planned), reading.deaths())


def _settled(read: Callable[[], Ends], planned: Ends) -> Ends:
    """What is shown when it is as planned, or has not changed for a while."""
    deadline = time.monotonic() + LONGEST
    shown, since = read(), time.monotonic()
    while shown != planned and time.monotonic() < min(since + AT_REST, deadline):
        time.sleep(LOOK)
        if (now := read()) != shown:
            shown, since = now, time.monotonic()
    return shown
