"""The measurements, one function each."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import httpx
from celery import Celery

from celery_otel_pipeline.polling import wait_until
from tests.benchmarks.api.scene import API, REFRESH_INTERVAL, Scene
from tests.benchmarks.api.wrk import Load, load
from tests.benchmarks.monitors import Flower

AT_ONCE = 100
PAGE = 100
ALL = 1000
SNAPSHOTS = 10
REFRESHES = 5


@dataclass(frozen=True)
class Loaded:
    """A load on the service.

    Attributes:
        load: How it was answered.
        broadcasts: How often the service asked the workers meanwhile.
        cpu: CPU seconds that it used, which other programs of the machine disturb less than the clock.
    """

    load: Load
    broadcasts: int
    cpu: float

    @property
    def cpu_per_request(self) -> float:
        """CPU seconds per request, what the snapshots took included."""
        return self.cpu / self.load.requests


@dataclass(frozen=True)
class Memory:
    """Resident memory of the service in MB, before and after so many requests."""

    requests: int
    before: float
    after: float


@dataclass(frozen=True)
class Delays:
    """Seconds, of several times: the median and the longest."""

    middle: float
    longest: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Delays":
        """The delays of some times."""
        return cls(median(seconds), max(seconds))


def pages(scene: Scene) -> list[str]:
    """The path of each page of the tasks, one after the other."""
    found = [f"{API}/tasks/status?limit={PAGE}"]
    cursor = scene.get("tasks/status", limit=PAGE)["next_cursor"]
    while cursor:
        found.append(f"{API}/tasks/status?limit={PAGE}&cursor={cursor}")
        cursor = scene.get("tasks/status", limit=PAGE, cursor=cursor)["next_cursor"]
    return found


def loaded(scene: Scene, paths: list[str], seconds: int) -> Loaded:
    """A load on the service."""
    broadcasts, cpu = scene.broadcasts(), scene.cpu()
    measured = load(scene.address, paths, seconds=seconds, directory=scene.directory)
    return Loaded(measured, scene.broadcasts() - broadcasts, scene.cpu() - cpu)


def remembered(scene: Scene, paths: list[str], *, requests: int, seconds: int) -> Memory:
    """The memory before and after so many requests."""
    before, done = scene.memory(), 0
    while done < requests:
        done += load(scene.address, paths, seconds=seconds, directory=scene.directory).requests
    return Memory(done, before, scene.memory())


def at_once(scene: Scene) -> int:
    """How many broadcasts follow from `AT_ONCE` requests at once, when the last snapshot is old."""
    time.sleep(REFRESH_INTERVAL * 1.5)
    before = scene.broadcasts()
    asyncio.run(_ask_at_once(f"{scene.address}{API}/tasks/status"))
    return scene.broadcasts() - before


async def _ask_at_once(url: str) -> None:
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:
        answers = await asyncio.gather(*(client.get(url) for _ in range(AT_ONCE)))
    for answer in answers:
        answer.raise_for_status()


def completed(scene: Scene) -> Delays:
    """From the last worker's answer until a caller has the snapshot."""
    seconds = []
    for _ in range(SNAPSHOTS):
        time.sleep(REFRESH_INTERVAL * 1.1)
        scene.get("tasks/status", fresh=True)
        here = time.time()
        seconds.append(here - scene.commands()[-1]["answered"])
    return Delays.of(seconds)


def refreshed(scene: Scene, address: str, path: str) -> tuple[Delays, float]:
    """How long an answer takes that asks the workers anew, and how many commands these get for it."""
    before, seconds = len(scene.commands()), []
    for _ in range(REFRESHES):
        time.sleep(REFRESH_INTERVAL * 1.1)
        begun = time.perf_counter()
        httpx.get(f"{address}{path}", timeout=120).raise_for_status()
        seconds.append(time.perf_counter() - begun)
    return Delays.of(seconds), (len(scene.commands()) - before) / REFRESHES


def fill(broker_url: str, flower: Flower, tasks: int) -> None:
    """Has the real workers run tasks, so that Flower has seen as many end."""
    client = Celery("client", broker=broker_url, set_as_current=False)
    _until(flower, "/api/workers?status=1", lambda found: len(found) >= 2, "the workers")
    for _ in range(tasks):
        client.send_task("shop.add", (1, 2))
    client.close()
    path = f"/api/tasks?state=SUCCESS&limit={tasks}"
    _until(flower, path, lambda found: len(found) == tasks, f"{tasks} tasks that have ended")


def _until(flower: Flower, path: str, condition: Callable[[dict[str, object]], bool], what: str) -> None:
    def seen() -> bool:
        try:
            return condition(httpx.get(f"{flower.address}{path}", timeout=30).raise_for_status().json())
        except httpx.TransportError:
            return False

    wait_until(seen, deadline=90, message=lambda: f"Flower does not see {what}\n{flower.process.log_tail}")
