"""Tasks are stopped, and the answer is true."""

import logging
from pathlib import Path

import pytest

from celery_otel_pipeline.redis import RedisServer
from tests.integration.api.conftest import API, PATIENT, Scene, Service


def revoke(service: Service, task_id: str, status: int = 200, **query: object) -> dict[str, object]:
    """Revokes a task, after a look at who is there."""
    return service.post(f"tasks/{task_id}/revoke", status, **query)


def test_a_running_task_is_terminated(any_scene: Scene) -> None:
    """With terminate the answer comes when the task has ended, and asking again does no harm."""
    worker = any_scene.worker(pool="prefork")
    with any_scene.service(inspect_timeout=PATIENT) as service:
        task_id, _ = any_scene.hold()
        service.task(task_id, "STARTED")
        first = revoke(service, task_id, terminate=True)
        after = service.task(task_id, "REVOKED")
        second = revoke(service, task_id, terminate=True)
    assert ("STARTED", True, [worker.node_name], []) == tuple(
        first[key] for key in ("state", "terminated", "confirmed", "silent")
    )
    assert (True, False, "terminated") == (after["ready"], after["successful"], after["error"]["message"])
    assert ("REVOKED", [worker.node_name]) == (second["state"], second["confirmed"])


def test_without_terminate_a_running_task_runs_on(any_scene: Scene) -> None:
    """A revoke alone does not end what runs, and says so."""
    any_scene.worker()
    with any_scene.service(inspect_timeout=PATIENT) as service:
        task_id, gate = any_scene.hold()
        service.task(task_id, "STARTED")
        found = revoke(service, task_id)
        gate.touch()
        service.task(task_id, "SUCCESS")
    assert ("STARTED", None) == (found["state"], found["terminated"])
    assert "terminate=true" in str(found["detail"])


@pytest.mark.parametrize("options", [{}, {"countdown": 600}])
def test_a_task_that_waits_in_a_worker_is_refused_by_it(scene: Scene, options: dict[str, float]) -> None:
    """A worker that holds a reserved or a scheduled task confirms that it will not begin it."""
    worker = scene.worker(pool="prefork")
    with scene.service(inspect_timeout=PATIENT) as service:
        running, gate = scene.hold()
        service.task(running, "STARTED")
        task_id = scene.send("add", 1, 2, **options)
        service.task(task_id, "SCHEDULED" if options else "RESERVED")
        found = revoke(service, task_id, terminate=True)
        gate.touch()
        service.task(running, "SUCCESS")
    assert ([worker.node_name], False) == (found["confirmed"], found["terminated"])
    assert "will refuse it" in str(found["detail"])


def test_a_task_that_nobody_holds_will_be_refused(any_scene: Scene) -> None:
    """With 202 all workers have confirmed that they will refuse a task that none of them holds."""
    workers = [any_scene.worker("a"), any_scene.worker("b")]
    with any_scene.service(inspect_timeout=PATIENT) as service:
        service.until("tasks/status", lambda body: len(body["workers"]) == 2, "two workers")
        found = revoke(service, "to-come", 202)
        any_scene.send("add", 1, 2, task_id="to-come")
        service.task("to-come", "REVOKED")
    assert (sorted(worker.node_name for worker in workers), []) == (found["confirmed"], found["silent"])
    assert "No worker holds the task" in str(found["detail"])


def test_a_finished_task_cannot_be_revoked(scene: Scene) -> None:
    """What has ended is a conflict that says how it ended."""
    scene.worker()
    with scene.service(inspect_timeout=PATIENT) as service:
        task_id = scene.send("add", 1, 2)
        service.task(task_id, "SUCCESS")
        found = revoke(service, task_id, 409)
    assert ("/problems/task-finished", "SUCCESS") == (found["type"], found["state"])


def test_nobody_answers(scene: Scene) -> None:
    """Without any worker nobody confirms, which is no success."""
    with scene.service() as service:
        found = revoke(service, "some-task", 504)
    assert ("/problems/nobody-answered", []) == (found["type"], found["silent"])


def test_a_busy_solo_worker_cannot_confirm(scene: Scene) -> None:
    """A solo worker that runs a task does not answer, and is named; another worker's answer alone is not enough."""
    solo, other = scene.worker("solo", pool="solo"), scene.worker("other", queues=["elsewhere"])
    with scene.service(inspect_timeout=2.0) as service:
        service.until("tasks/status", lambda body: len(body["workers"]) == 2, "two workers")
        task_id, gate = scene.hold()
        service.until("tasks/status", lambda body: body["workers"] == [other.node_name], "a busy solo worker")
        found = revoke(service, task_id, 202)
        # From Celery 5.7 on the other one has noted the revoke in the result backend.
        doubted = service.task(task_id)
        again = revoke(service, task_id, 202)
        gate.touch()
        service.task(task_id, "SUCCESS")
    assert (False, None) == (doubted["ready"], doubted["successful"])
    assert [([other.node_name], [solo.node_name])] * 2 == [(one["confirmed"], one["silent"]) for one in (found, again)]
    assert f"{solo.node_name} did not answer" in str(found["detail"])


def test_a_pool_that_cannot_end_a_task_says_so(scene: Scene) -> None:
    """A thread cannot be killed: the worker's error is told, and the task runs on."""
    worker = scene.worker(pool="threads")
    with scene.service(inspect_timeout=PATIENT) as service:
        task_id, gate = scene.hold()
        service.task(task_id, "STARTED")
        found = revoke(service, task_id, 202, terminate=True)
        gate.touch()
        service.task(task_id, "SUCCESS")
    assert (False, [], [worker.node_name]) == (found["terminated"], found["confirmed"], list(found["refused"]))  # type: ignore[call-overload]


def test_a_worker_that_is_not_instrumented_is_asked_too(scene: Scene) -> None:
    """Terminate and its confirmation work with a plain worker."""
    worker = scene.worker(pool="prefork", SHOP_PLAIN="1")
    with scene.service(inspect_timeout=PATIENT) as service:
        task_id, _ = scene.hold()
        service.task(task_id, "STARTED")
        found = revoke(service, task_id, terminate=True, signal="KILL")
    assert (True, [worker.node_name]) == (found["terminated"], found["confirmed"])


def test_who_forgets_at_a_restart_is_said(scene: Scene, tmp_path: Path) -> None:
    """Only a worker with --statedb keeps a revoke over its restart."""
    keeps = scene.worker("keeps", arguments=["--statedb", str(tmp_path / "state")])
    forgets = scene.worker("forgets")
    with scene.service(inspect_timeout=PATIENT) as service:
        service.until("tasks/status", lambda body: len(body["workers"]) == 2, "two workers")
        found = revoke(service, "some-task", 202)
    assert {keeps.node_name: True, forgets.node_name: False} == found["remembered"]
    assert f"{forgets.node_name} will have forgotten" in str(found["detail"])


def test_a_revoke_is_logged_with_who(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """One line says who has revoked what, and what came of it."""
    with caplog.at_level(logging.INFO, "celery_otel_api"), scene.service() as service:
        revoke(service, "some%0Atask", 504)
    lines = [record.getMessage() for record in caplog.records if record.name == "celery_otel_api"]
    expected = "Revoke of task 'some\\ntask' (terminate=False, signal=SIGTERM) by 'anyone' from 127.0.0.1: 504, "
    assert [f"{expected}nobody-answered"] == lines


@pytest.mark.parametrize("query", [{"signal": "SIGNOPE"}, {"terminate": "maybe"}, {"termiante": "true"}])
def test_wrong_parameters_revoke_nothing(scene: Scene, query: dict[str, str]) -> None:
    """A signal that does not exist, or a parameter with a typing error, is refused before anyone is asked."""
    with scene.service() as service:
        found = revoke(service, "some-task", 422, **query)
    assert list(query) == [one["name"] for one in found["invalid_parameters"]]  # type: ignore[attr-defined]


def test_with_the_broker_away_nothing_is_revoked(tmp_path: Path) -> None:
    """Without a broker a revoke is a problem that says when to try again."""
    with RedisServer(tmp_path / "redis") as server:
        scene = Scene(server.url, None, tmp_path)
    with scene.service(deadline=2.0) as service:
        found = service.client.post(f"{API}/tasks/some-task/revoke")
    scene.close()
    assert (503, "5") == (found.status_code, found.headers["Retry-After"])
    assert "/problems/broker-unreachable" == found.json()["type"]
