"""What it costs to look at a queue as more waits in it: for the commands, for the API, and for the broker."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from celery import Celery
from redis import Redis

from celery_otel.broker import connected, queue_lengths
from celery_otel_api.redis_queues import RedisQueues
from celery_otel_pipeline.environment import child_environment
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.repository import ROOT
from tests.benchmarks.growth.growth import FLAT, Growth
from tests.benchmarks.growth.messages import QUEUE, fill
from tests.benchmarks.growth.scale import Scale
from tests.benchmarks.traffic import Traffic
from tests.integration.api.started import address_of, application_module, service_process

MICROSECONDS, MILLISECONDS = 1_000_000, 1000
TIMEOUT = 5.0
#: So that each request is answered with a new reading: no worker is there to be waited for.
QUICK = {"CELERY_OTEL_API_REFRESH_INTERVAL": "0.02", "CELERY_OTEL_API_INSPECT_TIMEOUT": "0.05"}
STATUS = "/api/v1/celery/queues/status?fresh=true"


def by_backlog(directory: Path, scale: Scale) -> list[Growth]:
    """With the messages that wait in one queue of Redis."""
    figures: dict[str, dict[int, float]] = {"length": {}, "reading": {}, "answer": {}, "doctor": {}}
    with RedisServer(directory) as server, Redis.from_url(server.url) as redis, _service(server, directory) as service:
        _make_room(redis)
        waiting = 0
        for size in sorted(scale.backlog):
            fill(server.url, "growth.task", size - waiting)
            waiting = size
            figures["length"][size] = _of_length(server.url, redis, size, scale.looks)
            figures["reading"][size] = _of_reading(server.url, redis, size, scale.looks)
            figures["answer"][size] = _of_answer(service, redis, size, scale.looks)
            figures["doctor"][size] = _of_doctor(server.url)
    return [
        Growth("CPU of a queue's length, as `status` and `doctor` ask", "µs", figures["length"], FLAT),
        Growth("CPU of the API's reading of the queue", "µs", figures["reading"], FLAT),
        Growth("CPU of API and Redis for `queues/status?fresh=true`", "ms", figures["answer"], FLAT),
        Growth("CPU of `celery otel doctor`", "ms", figures["doctor"], FLAT),
    ]


def _make_room(redis: Redis) -> None:
    """A million real messages take more than a gigabyte: they are kept packed in memory, and not on the disk."""
    redis.config_set("list-compress-depth", 1)
    redis.config_set("appendonly", "no")


@contextmanager
def _service(server: RedisServer, directory: Path) -> Iterator[Process]:
    module = application_module(directory, server.url)
    with service_process(directory, ["-A", module, "--port", "0"], QUICK) as service:
        address_of(service)
        yield service


def _of_length(url: str, redis: Redis, size: int, looks: int) -> float:
    app = Celery("growth", broker=url, set_as_current=False)
    with connected(app, TIMEOUT) as connection:

        def look() -> None:
            (found,) = queue_lengths(connection, [QUEUE])
            _expect(size, found.length)

        return _spent(look, redis, looks) * MICROSECONDS


def _of_reading(url: str, redis: Redis, size: int, looks: int) -> float:
    app = Celery("growth", broker=url, set_as_current=False)
    read = RedisQueues()
    with connected(app, TIMEOUT) as connection:
        return _spent(lambda: _expect(size, read(connection, [QUEUE])[QUEUE].length), redis, looks) * MICROSECONDS


def _of_answer(service: Process, redis: Redis, size: int, looks: int) -> float:
    url = f"{address_of(service)}{STATUS}"
    before, asked = _used(service.pid), Traffic.of(redis)
    for _ in range(looks):
        answer = httpx.get(url, timeout=60).raise_for_status().json()
        _expect(size, next(queue["length"] for queue in answer["queues"] if queue["name"] == QUEUE))
    spent = _used(service.pid) - before + (Traffic.of(redis) - asked).cpu
    return spent / looks * MILLISECONDS


def _of_doctor(url: str) -> float:
    argv = [sys.executable, "-m", "celery", "-A", "tests.benchmarks.growth.application:app", "-b", url]
    path = os.pathsep.join([str(ROOT), str(ROOT / "instrumentation")])
    environment = child_environment({"GROWTH_BROKER": url, "GROWTH_BARE": "1", "PYTHONPATH": path})
    before = _of_children()
    # It finds that there is no worker, and says so by its status.
    subprocess.run(
        [*argv, "otel", "doctor", "--json"], env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, check=False
    )
    return (_of_children() - before) * MILLISECONDS


def _of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _spent(look: Callable[[], object], redis: Redis, looks: int) -> float:
    """CPU seconds of this thread and of Redis for one look."""
    asked, begin = Traffic.of(redis), time.thread_time()
    for _ in range(looks):
        look()
    spent = time.thread_time() - begin
    return (spent + (Traffic.of(redis) - asked).cpu) / looks


def _used(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _expect(expected: int, found: int | None) -> None:
    if found != expected:
        raise AssertionError(f"{expected} messages wait, and {found} are told")
