"""Readings follow each other: totals never fall, CPU is that between two of them, and costly figures are spared."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from celery_otel import names
from celery_otel.core.clock import Clock
from celery_otel.metric import Metric
from celery_otel.resources.meter import Meter, RisingSum, Sparing
from celery_otel.resources.reading import Figures, Reading
from celery_otel.resources.tree import Used

HELD: Figures = {names.PROCESS_COUNT: 3, names.PROCESS_MEMORY: 70}
GPUS: Mapping[str, Figures] = {"0": {names.GPU_MEMORY_USED: 7}}


@dataclass
class Scripted:
    """A tree that has used, reading by reading, what it is told to; and the time at each reading."""

    script: list[tuple[float, Used | None]]
    clock: Clock = field(init=False)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.clock = Clock(wall=lambda: self.now, monotonic=lambda: self.now)

    def used(self) -> Used | None:
        """What they have used."""
        self.now, used = self.script.pop(0)
        return used

    def held(self) -> Figures:
        """What they hold."""
        return HELD

    def private(self) -> Figures:
        """Their private memory."""
        return {names.PROCESS_MEMORY_PRIVATE: 50}


def readings(*script: tuple[float, Used | None], limit: int | None = None) -> list[Figures]:
    """The figures of one reading after another."""
    tree = Scripted(list(script))
    meter = Meter(tree, lambda: limit, lambda: GPUS, tree.clock)
    return [meter.read().figures for _ in script]


def of(metric: Metric, found: list[Figures]) -> list[float | None]:
    """One figure of each reading."""
    return [figures.get(metric) for figures in found]


def test_a_reading_has_all_there_is() -> None:
    """The first one has no CPU yet, since there is no time behind it."""
    (figures,) = readings((0.0, Used(9.0, 100, 200)), limit=400)
    expected = {
        **HELD,
        names.PROCESS_MEMORY_PRIVATE: 50,
        names.PROCESS_MEMORY_LIMIT: 400,
        names.PROCESS_DISK_READ: 100,
        names.PROCESS_DISK_WRITTEN: 200,
    }
    assert expected == figures


def test_cpu_is_in_percent_of_one_core() -> None:
    """Five seconds of CPU in two seconds are 250; one that left with more than the others used makes it 0."""
    found = readings((0.0, Used(9.0, 0, 0)), (2.0, Used(14.0, 0, 0)), (4.0, Used(1.0, 0, 0)))
    assert [None, 250.0, 0.0] == of(names.PROCESS_CPU_PERCENT, found)


def test_what_is_not_known_at_one_reading_is_made_up_for() -> None:
    """Totals stay as they were, and what was used meanwhile comes with the next reading, CPU included."""
    found = readings((0.0, Used(0.0, 10, None)), (1.0, None), (2.0, Used(1.0, 30, 5)))
    assert [10, 10, 30] == of(names.PROCESS_DISK_READ, found)
    assert [None, None, 5] == of(names.PROCESS_DISK_WRITTEN, found)
    assert [None, None, 50.0] == of(names.PROCESS_CPU_PERCENT, found)


def test_a_total_never_falls() -> None:
    """A process that leaves the tree takes what it had out of the sum, and not out of the total."""
    total = RisingSum()
    values = []
    for now in (100, 40, 50, None, 60):
        total.take(now)
        values.append(total.total)
    assert [100, 100, 110, 110, 120] == values


def test_the_last_reading_holds_nothing() -> None:
    """At the end the gauges of the processes are 0; the limit, what was used and the GPUs stay as they are."""
    figures = {names.PROCESS_MEMORY: 70, names.PROCESS_MEMORY_LIMIT: 400, names.PROCESS_DISK_READ: 100}
    expected = Reading({**figures, names.PROCESS_MEMORY: 0}, GPUS)
    assert expected == Reading(figures, GPUS).ended()


def test_the_series_have_the_labels_of_their_metrics() -> None:
    """Those of the processes say type and name, those of a GPU its number too."""
    series = Reading({names.PROCESS_COUNT: 3}, GPUS).series("web", "web@host")
    assert {
        names.PROCESS_COUNT: {("web", "web@host"): 3},
        names.GPU_MEMORY_USED: {("web", "web@host", "0"): 7},
    } == series


def test_what_is_costly_is_read_as_often_as_its_share_allows() -> None:
    """After 10 ms of CPU, at a thousandth of a core, the next time is 10 seconds later."""
    spent, now, times = [0.0], [0.0], [0]

    def read() -> Figures:
        spent[0] += 0.010
        times[0] += 1
        return {names.PROCESS_MEMORY_PRIVATE: times[0]}

    sparing = Sparing(read, 0.001, Clock(monotonic=lambda: now[0]), lambda: spent[0])
    found = []
    for moment in (0.0, 5.0, 9.9, 10.1, 15.0):
        now[0] = moment
        found.append(sparing.newest()[names.PROCESS_MEMORY_PRIVATE])
    assert [1, 1, 1, 2, 2] == found
