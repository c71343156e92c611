"""What a task costs a real worker as its pool and its task names grow, and what MAIN holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf
from pathlib import Path
from statistics import median

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.polling import wait_until
from tests.benchmarks.comparison import collecting
from tests.benchmarks.growth.formula import Formula, on_page
from tests.benchmarks.growth.growth import FLAT, LINEAR, Growth
from tests.benchmarks.growth.scale import Scale
from tests.benchmarks.growth.worker import GrowingWorker

MICROSECONDS = 1_000_000
LOST = "celery_otel_relay_losses_total"
RECEIVED = "celery_task_received_total"
#: With more tasks the last export may not be over in the two seconds that the end of a worker has for it: `by_names`
#: counts those series in the process itself.
_MOST = 100
#: How many readings of the page have to say the same.
_STILL = 6


@dataclass(frozen=True)
class Seen:
    """What was measured of one worker.

    Attributes:
        cpu: CPU seconds per task, of all its processes.
        main: Of MAIN.
        memory: Private memory of MAIN, in MB.
        lost: What did not come through the relay whole; 0 without celery-otel.
        series: How many it had exported in the end.
    """

    cpu: float
    main: float
    memory: float
    lost: float
    series: int


#: Of each size what was seen in each round.
Measured = dict[int, list[Seen]]


def by_children(directory: Path, scale: Scale) -> list[Growth]:
    """With the children of a prefork pool, each of whose tasks sends a record to MAIN.

    Raises:
        AssertionError: A record was lost on the way.
    """

    def started(size: int, place: Path, endpoint: str, *, bare: bool) -> GrowingWorker:
        return GrowingWorker(place, endpoint, interval=scale.interval, children=size, bare=bare)

    ours, bare = _both(directory, scale, scale.children, started)
    lost = sum(seen.lost for measured in ours.values() for seen in measured)
    if lost:
        raise AssertionError(f"{lost:g} records were lost on the way from a child to MAIN")
    return _growths(ours, bare)


def by_registered(directory: Path, scale: Scale) -> list[Growth]:
    """With the tasks that a real worker knows and runs.

    Raises:
        AssertionError: An idle worker has not the series that the documentation says.
    """

    def started(size: int, place: Path, endpoint: str, *, bare: bool) -> GrowingWorker:
        return GrowingWorker(place, endpoint, interval=scale.interval, tasks=size, bare=bare)

    for size in sorted({scale.registered[0], scale.registered[-1]}):
        check_formula(directory / f"idle{size}", size)
    ours, bare = _both(directory, scale, scale.registered, started)
    found = {size: seen[0].series for size, seen in ours.items() if size <= _MOST}
    planned = {size: Formula.documented().after(size) for size in found}
    if found != planned:
        raise AssertionError(f"after each task has run there are {planned} series as documented, and {found} exported")
    return _growths(ours, bare)


def check_formula(directory: Path, tasks: int) -> None:
    """Hold what an idle worker with so many tasks exports against the formula of docs/concepts/attempts.md.

    Raises:
        AssertionError: There are other numbers of series; the message names what the page has.
    """
    with (
        Collector(directory) as collector,
        GrowingWorker(directory, collector.otlp_http_endpoint, tasks=tasks, interval=500) as worker,
    ):
        found = settled(lambda: on_page(fetch(collector.metrics_url), worker.name))
    planned = Formula.documented().series(tasks)
    if len(found) != planned:
        raise AssertionError(f"{planned} series are documented, {len(found)} exported:\n" + "\n".join(found))


def settled(read: Callable[[], list[str]]) -> list[str]:
    """What is there when nothing has been added for some exports, the heartbeat included."""
    seen: list[list[str]] = []

    def same() -> bool:
        seen.append(read())
        alive = any(line.startswith("celery_worker_heartbeat") for line in seen[-1])
        return alive and len(seen) > _STILL and len({len(lines) for lines in seen[-_STILL:]}) == 1

    wait_until(same, deadline=60, interval=0.5, message=lambda: f"the series do not settle: {list(map(len, seen))}")
    return seen[-1]


def _both(
    directory: Path, scale: Scale, sizes: Sequence[int], started: Callable[..., GrowingWorker]
) -> tuple[Measured, Measured]:
    """Measure with and without celery-otel, in turns."""
    ours: Measured = {size: [] for size in sizes}
    bare: Measured = {size: [] for size in sizes}
    with collecting() as collector:
        for number, size in product(range(scale.rounds), sizes):
            for without, measured in ((True, bare), (False, ours)):
                place = directory / f"{number}-{size}-{without}"
                worker = started(size, place, collector.otlp_http_endpoint, bare=without)
                measured[size].append(_seen(worker, collector, scale.tasks))
    return ours, bare


def _seen(worker: GrowingWorker, collector: Collector, tasks: int) -> Seen:
    with worker:
        worker.run(tasks // 4)
        cpu = worker.run(tasks)
        # Whoever exports holds what that takes, too.
        wait_until(
            lambda: worker.bare or any(RECEIVED in line for line in on_page(fetch(collector.metrics_url), worker.name)),
            deadline=120,
            message="the worker exports no counts",
        )
        memory = worker.memory().main
    # Its last export has come by now; without celery-otel it has none.
    page = fetch(collector.metrics_url)
    lost = sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(LOST))
    return Seen(cpu.total, cpu.main, memory, lost, len(on_page(page, worker.name)))


def _growths(ours: Measured, bare: Measured) -> list[Growth]:
    def growth(figure: str, unit: str, measured: Measured, read: Callable[[Seen], float], bound: float) -> Growth:
        return Growth(figure, unit, {size: median(map(read, seen)) for size, seen in measured.items()}, bound)

    return [
        growth("CPU per task", "µs", ours, lambda seen: seen.cpu * MICROSECONDS, FLAT),
        growth("of bare Celery", "µs", bare, lambda seen: seen.cpu * MICROSECONDS, inf),
        growth("MAIN's CPU per task", "µs", ours, lambda seen: seen.main * MICROSECONDS, FLAT),
        growth("of bare Celery's MAIN", "µs", bare, lambda seen: seen.main * MICROSECONDS, inf),
        growth("MAIN's memory", "MB", ours, lambda seen: seen.memory, LINEAR),
        growth("of bare Celery's MAIN", "MB", bare, lambda seen: seen.memory, inf),
    ]
