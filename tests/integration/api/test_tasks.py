"""Where tasks are, against real workers."""

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

from celery_otel_pipeline.redis import RedisServer
from tests.integration.api.conftest import Scene, Service

HELD = {"active": 1, "reserved": 1, "scheduled": 1, "total_pending": 3}


def test_what_runs_what_waits_and_what_has_its_time(any_scene: Scene) -> None:
    """A running, a reserved and a scheduled task are told apart, in the list and each by itself, up to the end."""
    worker = any_scene.worker()
    with any_scene.service() as service:
        running, gate = any_scene.hold()
        service.task(running, "STARTED")
        waiting = any_scene.send("add", 1, 2)
        timed = any_scene.send("add", 3, 4, countdown=600)
        listed = service.until("tasks/status", lambda body: body["summary"] == HELD, "one of each state")
        found = {state: service.task(task_id, state) for task_id, state in _expected(running, waiting, timed)}
        gate.touch()
        ended = [service.task(task_id, "SUCCESS") for task_id in (running, waiting)]
    lists = ("active_tasks", "reserved_tasks", "scheduled_tasks")
    assert [[running], [waiting], [timed]] == [[task["task_id"] for task in listed[name]] for name in lists]
    assert [worker.node_name] == listed["workers"]
    assert all(one["where"]["worker"] == worker.node_name and one["source"] == "worker" for one in found.values())
    assert listed["active_tasks"][0]["time_start"] == found["STARTED"]["where"]["since"]
    assert found["SCHEDULED"]["where"]["eta"] > found["STARTED"]["where"]["since"] + 500
    assert [str(gate), 3] == [one["result"] for one in ended]
    assert [(True, True)] * 2 == [(one["ready"], one["successful"]) for one in ended]


def _expected(running: str, waiting: str, timed: str) -> list[tuple[str, str]]:
    return [(running, "STARTED"), (waiting, "RESERVED"), (timed, "SCHEDULED")]


def test_a_failure_has_class_message_and_traceback(scene: Scene) -> None:
    """A failed task is told with what its exception says, and with the attempt that ended."""
    worker = scene.worker()
    with scene.service() as service:
        task_id = scene.send("fail", "out of paper")
        found = service.task(task_id, "FAILURE")
        found = service.until(f"tasks/{task_id}/status", lambda body: body["where"]["runtime"] is not None, "a runtime")
    assert ("ValueError", "out of paper") == (found["error"]["type"], found["error"]["message"])
    assert "shop.fail" == found["task_name"]
    assert "raise ValueError(message)" in found["error"]["traceback"]
    assert (True, False, None) == (found["ready"], found["successful"], found["result"])
    assert worker.node_name == found["where"]["worker"]


def test_a_result_that_json_cannot_show_is_described(scene: Scene) -> None:
    """NaN is no JSON: it is described, and the answer is no error."""
    scene.worker()
    with scene.service() as service:
        odd = service.task(scene.send("odd", "nan"), "SUCCESS")
        time = service.task(scene.send("odd", "time"), "SUCCESS")
    assert {"described": "nan", "type": "float"} == odd["result"]
    assert "2026-01-02T10:30:00+00:00" == time["result"]


def test_a_retry_that_waits_is_scheduled(scene: Scene) -> None:
    """A task that was retried is where its next attempt is."""
    scene.worker()
    with scene.service() as service:
        found = service.task(scene.send("again", 600), "SCHEDULED")
    assert 1 == found["where"]["retries"]


def test_nobody_knows_a_task_that_was_never_sent(any_scene: Scene) -> None:
    """An unknown id is an answer: UNKNOWN, and what that means."""
    any_scene.worker()
    with any_scene.service() as service:
        found = service.task("never-sent")
    assert ("UNKNOWN", "nobody", False, None) == tuple(found[key] for key in ("state", "source", "ready", "successful"))
    assert "Never seen, or expired" in found["explanation"]


def test_a_message_that_waits_in_a_queue_is_found_on_redis(scene: Scene) -> None:
    """A task that no worker has is QUEUED, whatever its priority, and its message stays where it is."""
    first, urgent = scene.send("add", 1, 2), scene.send("add", 3, 4, priority=9)
    with scene.service() as service:
        found = [service.task(task_id) for task_id in (first, urgent)]
        scene.worker()
        ended = [service.task(task_id, "SUCCESS")["result"] for task_id in (first, urgent)]
    assert [("QUEUED", scene.queue, "shop.add")] * 2 == [
        (one["state"], one["where"]["queue"], one["task_name"]) for one in found
    ]
    assert [3, 7] == ended


def test_a_message_is_found_behind_a_key_prefix(scene: Scene) -> None:
    """A prefix of all of kombu's keys is respected."""
    scene.client.conf.broker_transport_options = {"global_keyprefix": "shop:"}
    with scene.service() as service:
        assert "QUEUED" == service.task(scene.send("add", 1, 2))["state"]


def test_a_long_queue_is_not_read_to_its_end(scene: Scene) -> None:
    """The first thousand messages of a queue are looked at; what is behind them is unknown, and the answer says so."""
    sent = [scene.send("add", 1, number) for number in range(1_001)]
    with scene.service() as service:
        first, last = service.task(sent[0]), service.task(sent[-1])
    assert ["QUEUED", "UNKNOWN"] == [first["state"], last["state"]]
    assert "behind the first 1000 messages" in last["explanation"]


def test_what_a_worker_held_that_does_not_answer_any_more(scene: Scene) -> None:
    """Of a worker that hangs its last answer is told as such, and what Redis has of the messages that it holds."""
    worker = scene.worker()
    with scene.service(inspect_timeout=0.5) as service:
        running, gate = scene.hold()
        service.task(running, "STARTED")
        waiting = scene.send("add", 1, 2)
        service.task(waiting, "RESERVED")
        worker.signal(signal.SIGSTOP)
        service.until("tasks/status", lambda body: not body["workers"], "a worker that does not answer")
        found = [service.task(task_id) for task_id in (running, waiting)]
        worker.signal(signal.SIGCONT)
        gate.touch()
        ended = [service.task(task_id, "SUCCESS")["result"] for task_id in (running, waiting)]
    assert [("STARTED", "last_answer"), ("RESERVED", "queue")] == [(one["state"], one["source"]) for one in found]
    assert all(worker.node_name in one["explanation"] for one in found)
    assert [str(gate), 3] == ended


def test_without_a_result_backend_the_workers_remember(bare_scene: Scene) -> None:
    """With no result backend the end of a task is known from its worker, without its result, and the answer says so."""
    bare_scene.worker()
    with bare_scene.service() as service:
        good = service.task(bare_scene.send("add", 1, 2), "SUCCESS")
        bad = service.task(bare_scene.send("fail", "no"), "FAILURE")
    assert [("recent_attempts", None)] * 2 == [(one["source"], one["result"]) for one in (good, bad)]
    assert "ValueError" == bad["error"]["type"]
    assert (False, False) == (good["result_backend"]["configured"], good["result_backend"]["answered"])
    assert "no result backend" in good["result_backend"]["reason"]


def test_a_busy_solo_worker_is_named_as_who_may_have_it(scene: Scene) -> None:
    """A solo worker that runs a task cannot answer: the answer names it as who may have the task."""
    worker = scene.worker(pool="solo")
    with scene.service(inspect_timeout=0.3) as service:
        service.until("tasks/status", lambda body: body["workers"] == [worker.node_name], "the worker")
        task_id, gate = scene.hold()
        quiet = service.until("tasks/status", lambda body: not body["workers"], "a worker that does not answer")
        found = service.task(task_id)
        gate.touch()
        service.task(task_id, "SUCCESS")
    assert [worker.node_name] == quiet["silent_workers"] + quiet["offline_workers"]
    # Its message may have been confirmed or not.
    assert found["state"] in ("UNKNOWN", "RESERVED")
    assert worker.node_name in found["explanation"]


def test_pages_of_real_tasks(scene: Scene) -> None:
    """Pages of two together have every task once."""
    scene.worker()
    with scene.service() as service:
        running, _ = scene.hold()
        service.task(running, "STARTED")
        eta = datetime.now(UTC) + timedelta(minutes=10)
        sent = {running, *(scene.send("add", number, 0, eta=eta) for number in range(4))}
        service.until("tasks/status", lambda body: body["summary"]["total_pending"] == 5, "five tasks")
        found = list(_paged(service))
    assert sorted(sent) == sorted(found)


def _paged(service: Service) -> list[str]:
    cursor: str | None = ""
    found: list[str] = []
    while cursor is not None:
        page = service.get("tasks/status", limit=2, cursor=cursor)
        found += [task["task_id"] for state in ("active", "reserved", "scheduled") for task in page[f"{state}_tasks"]]
        cursor = page["next_cursor"]
    return found


def test_with_the_broker_away_it_says_so(tmp_path: Path) -> None:
    """Without a broker every answer is still there, and says what is not known."""
    with RedisServer(tmp_path / "redis") as server:
        scene = Scene(server.url, server.url, tmp_path)
        worker = scene.worker()
        with scene.service(deadline=2.0) as service:
            service.until("tasks/status", lambda body: body["workers"] == [worker.node_name], "the worker")
            server.stop()
            away = service.until("tasks/status", lambda body: not body["broker_connected"], "the broker away")
            workers = service.get("workers/status")
            found = service.task("some-task")
        worker.kill()
        scene.close()
    assert "does not answer" in away["reason"]
    assert ([worker.node_name], None) == (away["unknown_workers"], away["summary"]["active"])
    assert ("unknown", None) == (workers["workers"][0]["status"], workers["total_workers"])
    assert ("UNKNOWN", False) == (found["state"], found["result_backend"]["answered"])
