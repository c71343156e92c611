"""One run: all measurements, of the service and of Flower on the same broker."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.worker import CeleryWorker
from tests.benchmarks.api.measurements import (
    ALL,
    PAGE,
    Delays,
    Loaded,
    Memory,
    at_once,
    completed,
    fill,
    loaded,
    pages,
    refreshed,
    remembered,
)
from tests.benchmarks.api.scene import API, Scene, scene
from tests.benchmarks.api.wrk import Load, load
from tests.benchmarks.monitors import Flower

ENTRIES = 1000
FEW, MANY = 10, 200
"""Simulated workers under load, and for the snapshot of many."""
WARM_UP = 3
"""Seconds of load before the measurements."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class OfFlower:
    """What was measured of Flower, and of the service beside it on the same broker.

    Attributes:
        page: Load on its tasks, as many as a page of ours.
        everything: Load on all of them.
        refresh: Its workers, asked anew, and how many commands they got each time.
        ours: The same of the service.
    """

    page: Load
    everything: Load
    refresh: tuple[Delays, float]
    ours: tuple[Delays, float]


@dataclass(frozen=True)
class Results:
    """What was measured.

    Attributes:
        page: Load on the pages of the tasks.
        everything: Load on all of them at once.
        broadcasts_at_once: For many requests at once.
        memory: Of the service.
        snapshot: Of many workers, from the last answer.
        flower: The comparison.
    """

    page: Loaded
    everything: Loaded
    broadcasts_at_once: int
    memory: Memory
    snapshot: Delays
    flower: OfFlower


def run(*, seconds: int, requests: int, progress: Progress) -> Results:
    """Measures everything.

    Args:
        seconds: Of each load.
        requests: Between the two readings of the memory, at least.
        progress: Called with a line before each part.
    """
    with tempfile.TemporaryDirectory(prefix="celery-otel-api-bench-") as name, ExitStack() as stack:
        directory = Path(name)
        redis = stack.enter_context(RedisServer(directory))
        of_snapshot = _snapshot(redis.url.removesuffix("/0") + "/1", directory / "many", progress)
        with scene(redis.url, directory / "few", workers=FEW, tasks=ENTRIES // FEW) as few:
            page, everything, broadcasts, memory = _loads(few, seconds, requests, progress)
            # What has been measured is told at once: Flower may fail after minutes.
            progress(
                f"{of_snapshot}\n{page}\n{everything}\n{broadcasts} broadcasts at once\n{memory}\nFlower beside it"
            )
            of_flower = _compare(redis.url, few, seconds)
    return Results(page, everything, broadcasts, memory, of_snapshot, of_flower)


def _snapshot(broker_url: str, directory: Path, progress: Progress) -> Delays:
    progress(f"snapshots of {MANY} workers")
    with scene(broker_url, directory, workers=MANY, tasks=ENTRIES // MANY) as many:
        return completed(many)


def _loads(few: Scene, seconds: int, requests: int, progress: Progress) -> tuple[Loaded, Loaded, int, Memory]:
    paths = pages(few)
    loaded(few, paths, WARM_UP)
    progress("load on pages")
    page = loaded(few, paths, seconds)
    progress("load on everything at once")
    everything = loaded(few, [f"{API}/tasks/status?limit={ALL}"], seconds)
    broadcasts = at_once(few)
    progress(f"memory over {requests} requests")
    return page, everything, broadcasts, remembered(few, paths, requests=requests, seconds=seconds)


def _compare(broker_url: str, few: Scene, seconds: int) -> OfFlower:
    with _real_workers(broker_url, few.directory), Flower(broker_url, few.directory) as flower:
        fill(broker_url, flower, ENTRIES)
        return OfFlower(
            load(flower.address, [f"/api/tasks?limit={PAGE}"], seconds=seconds, directory=few.directory),
            load(flower.address, [f"/api/tasks?limit={ALL}"], seconds=seconds, directory=few.directory),
            refreshed(few, flower.address, "/api/workers?refresh=1"),
            refreshed(few, few.address, f"{API}/workers/status?fresh=true"),
        )


@contextmanager
def _real_workers(broker_url: str, directory: Path) -> Iterator[None]:
    """Two, with events, of which Flower lives."""
    with ExitStack() as stack:
        for name in ("real1", "real2"):
            worker = CeleryWorker(
                name,
                app="tests.integration.api.application:app",
                broker_url=broker_url,
                directory=directory,
                pool="threads",
                concurrency=2,
                arguments=["-E"],
                cwd=ROOT,
            )
            stack.enter_context(worker)
        yield
