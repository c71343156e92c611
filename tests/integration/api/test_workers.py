"""Who is there and how busy, against real workers."""

import pytest

from celery_otel_pipeline.worker import CeleryWorker
from tests.integration.api.conftest import PATIENT, Json, Scene, Service


def filled(scene: Scene, service: Service) -> Json:
    """What is told of a worker with two slots that runs two tasks, and has one that waits and one with its time."""
    gates = [scene.hold()[1] for _ in range(2)]
    service.until("workers/status", lambda body: _busy(body) == 2, "two running tasks")
    # First this one: a full pool of greenlets receives one task more, and then waits for a slot.
    scene.send("add", 3, 4, countdown=600)
    scene.send("add", 1, 2)
    found = service.until("workers/status", lambda body: body["workers"][0]["prefetch_count"] == 2, "two that wait")
    for gate in gates:
        gate.touch()
    worker: Json = found["workers"][0]
    return worker


def _busy(body: Json) -> int | None:
    busy: int | None = body["workers"][0]["pool"]["busy_workers"] if body["workers"] else None
    return busy


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent", "eventlet"])
def test_the_numbers_of_a_pool(scene: Scene, pool: str) -> None:
    """Slots, busy slots and tasks that wait are right on each kind of pool."""
    worker = scene.worker(pool=pool, concurrency=2)
    with scene.service() as service:
        found = filled(scene, service)
    assert (worker.node_name, "online", None) == (found["name"], found["status"], found["since"])
    assert {"kind": pool, "max_concurrency": 2, "busy_workers": 2} == found["pool"]
    assert (worker.pid, [scene.queue], True) == (found["pid"], found["queues"], found["instrumented"])
    assert {"celery", "celery-otel", "python"} == found["versions"].keys()
    assert abs(found["clock_difference"]) < 60


def test_the_numbers_on_each_broker(any_scene: Scene) -> None:
    """The guide's fields are the same on Redis and RabbitMQ."""
    any_scene.worker(concurrency=2)
    with any_scene.service() as service:
        found = filled(any_scene, service)
        total = service.get("workers/status")["total_workers"]
    assert (1, 2, 2, 2) == (
        total,
        found["pool"]["max_concurrency"],
        found["pool"]["busy_workers"],
        found["prefetch_count"],
    )


def test_a_worker_that_is_not_instrumented(scene: Scene) -> None:
    """The numbers of a plain worker are right, and what it does not tell is null."""
    scene.worker(concurrency=2, SHOP_PLAIN="1")
    with scene.service() as service:
        found = filled(scene, service)
    assert (False, 2, 2) == (found["instrumented"], found["pool"]["max_concurrency"], found["pool"]["busy_workers"])
    assert (None, None) == (found["remembers_revokes"], found["clock_difference"])


def test_a_busy_solo_worker_stays_in_the_list(scene: Scene) -> None:
    """A solo worker that runs a task does not answer: it is there without numbers, with how long it is quiet."""
    worker = scene.worker(pool="solo")
    with scene.service(inspect_timeout=0.3) as service:
        service.until("workers/status", lambda body: body["total_workers"] == 1, "the worker")
        _, gate = scene.hold()
        found = service.until("workers/status", lambda body: body["total_workers"] == 0, "no answer")
        gate.touch()
        service.until("workers/status", lambda body: body["total_workers"] == 1, "the worker again")
    only = found["workers"][0]
    assert (worker.node_name, 1) == (only["name"], found["expected_workers"])
    assert only["status"] in ("silent", "offline")
    assert only["since"] > 0
    assert {"kind": "solo", "max_concurrency": None, "busy_workers": None} == only["pool"]


def test_a_worker_that_was_killed_is_offline(scene: Scene) -> None:
    """A worker that died is expected for a while, and those that live are online."""
    dead, alive = scene.worker("dead"), scene.worker("alive")
    with scene.service(inspect_timeout=0.5, workers=("ghost@nowhere",)) as service:
        service.until("workers/status", lambda body: body["total_workers"] == 2, "two workers")
        dead.kill()
        found = service.until("workers/status", lambda body: body["total_workers"] == 1, "one worker")
    statuses = {one["name"]: one["status"] for one in found["workers"]}
    assert "online" == statuses[alive.node_name]
    assert statuses[dead.node_name] in ("silent", "offline")
    assert "offline" == statuses["ghost@nowhere"]
    assert 3 == found["expected_workers"]


def test_everything_that_inspection_tells(any_scene: Scene) -> None:
    """Every command of Celery's inspection is there for each worker, and no password."""
    workers: list[CeleryWorker] = [any_scene.worker("a"), any_scene.worker("b", SHOP_PLAIN="1")]
    with any_scene.service(inspect_timeout=PATIENT) as service:
        service.until("workers/status", lambda body: body["total_workers"] == 2, "two workers")
        found = service.get("stats/detailed")
    assert sorted(worker.node_name for worker in workers) == sorted(found["workers"])
    for told in found["workers"].values():
        assert {"stats", "active_queues", "registered", "conf", "revoked", "clock"} == told.keys()
        assert "shop.add" in told["registered"]
        assert any_scene.queue == told["active_queues"][0]["name"]
    assert "guest:guest" not in str(found)
    assert [] == found["missing_workers"]


def test_inspection_without_workers(scene: Scene) -> None:
    """Nobody there is an answer without anybody."""
    with scene.service(inspect_timeout=0.3) as service:
        found = service.get("stats/detailed")
    assert (True, {}, []) == (found["broker_connected"], found["workers"], found["missing_workers"])
