"""What an attempt and an export cost as task names, error types and queues grow in number: in this process."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from celery_otel_pipeline.collector import Collector
from tests.benchmarks.growth.formula import Formula, in_readings
from tests.benchmarks.growth.growth import FLAT, LINEAR, Growth
from tests.benchmarks.growth.inprocess import InProcessWorker
from tests.benchmarks.growth.scale import Scale

MICROSECONDS, MILLISECONDS = 1_000_000, 1000
#: One point: CPU seconds of an attempt and of an export, and how many series there are.
Point = tuple[float, float, int]
Build = Callable[[int], InProcessWorker]


def by_names(directory: Path, scale: Scale) -> list[Growth]:
    """With task names, each of which is run.

    Raises:
        AssertionError: There are not as many series as the documentation says.
    """
    growths = _measured(directory, scale, lambda size: InProcessWorker(_named("growth.task", size)))
    # A worker without a timer has no heartbeat.
    planned = {size: Formula.documented().after(size) - 1 for size in scale.names}
    if (found := growths[-1].points) != planned:
        raise AssertionError(f"after each task has run there are {planned} series as documented, and {found} here")
    return growths


def by_errors(directory: Path, scale: Scale) -> list[Growth]:
    """With exception classes, of one task that always fails. Beyond CELERY_OTEL_MAX_ERROR_TYPES they share a label."""

    def build(size: int) -> InProcessWorker:
        return InProcessWorker(["growth.task"], errors=_named("Error", size))

    return _measured(directory, scale, build)


def by_queues(directory: Path, scale: Scale) -> list[Growth]:
    """With queues, of one task. Beyond CELERY_OTEL_MAX_QUEUES they share a label."""

    def build(size: int) -> InProcessWorker:
        return InProcessWorker(["growth.task"], queues=_named("queue", size))

    return _measured(directory, scale, build)


def _measured(directory: Path, scale: Scale, build: Build) -> list[Growth]:
    points: dict[int, list[Point]] = {size: [] for size in scale.names}
    with Collector(directory) as collector:
        for _ in range(scale.repeats):
            # Sizes take turns: a machine that slows down does so for all of them.
            for size in scale.names:
                points[size].append(_point(build(size), size, scale.attempts, collector.otlp_http_endpoint))
    attempt, export, series = (_middle(points, index) for index in range(3))
    return [
        Growth("CPU per attempt", "µs", {size: value * MICROSECONDS for size, value in attempt.items()}, FLAT),
        Growth("CPU per export", "ms", {size: value * MILLISECONDS for size, value in export.items()}, LINEAR),
        Growth("series", "", series, LINEAR),
    ]


def _point(worker: InProcessWorker, size: int, attempts: int, endpoint: str) -> Point:
    with worker:
        # One of each kind first: what is measured is an attempt, and not that a name is new.
        worker.attempts(max(size, attempts // 10))
        return worker.attempts(attempts), worker.export(endpoint), in_readings(worker.read())


def _middle(points: dict[int, list[Point]], index: int) -> dict[int, float]:
    return {size: median(point[index] for point in measured) for size, measured in points.items()}


def _named(prefix: str, number: int) -> Sequence[str]:
    return [f"{prefix}{index:04}" for index in range(number)]
