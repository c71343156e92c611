"""`GET tasks/{task_id}/status` on snapshots that are made here, with result backends that fail."""

from pathlib import Path
from typing import Any

from celery_otel_api.snapshot import Snapshot
from celery_otel_api.task_state import OPERATIONS
from tests.unit.api import backends
from tests.unit.api.service import NOW, answer, application, held, member, reads_only, serving, snapshot_of

PATH = "/api/v1/celery/tasks/t/status"


def away() -> Snapshot:
    """Nobody could be asked."""
    return Snapshot(NOW, broker_connected=False, reason="It is away.")


def test_a_backend_that_hangs_does_not_hold_up_the_answer() -> None:
    """Callers get what the workers say, however many have met a result backend that does not answer."""
    snapshot, backend = snapshot_of(member(answer(held("t")))), f"{backends.__name__}:HangingBackend"
    with serving(OPERATIONS, lambda: snapshot, app=application(backend), deadline=0.1) as client:
        bodies: list[dict[str, Any]] = [found.json() for found in client.get_at_once(PATH, 6)]
    backends.gate.set()
    assert ["STARTED"] * 6 == [body["state"] for body in bodies]
    assert "The result backend did not answer in time." == bodies[-1]["result_backend"]["reason"]


def test_a_backends_error_is_told_without_its_secrets() -> None:
    """That the result backend fails is told, but not its text, which may have a password in it."""
    with serving(OPERATIONS, away, app=application(f"{backends.__name__}:RefusingBackend")) as client:
        found = client.get(PATH)
    assert (200, "UNKNOWN") == (found.status_code, found.json()["state"])
    assert "The result backend could not be read: RuntimeError." == found.json()["result_backend"]["reason"]
    assert "hush" not in found.text


def test_results_need_their_scope(tmp_path: Path) -> None:
    """Without scope results an error has its class alone, and the answer says why the rest is missing."""
    url = f"file://{tmp_path}"
    writer = application(url)
    writer.backend.mark_as_failure("t", ValueError("hush"), traceback="Traceback: hush")
    writer.close()
    with serving(OPERATIONS, away, app=application(url)) as client:
        all_of_it = client.get(PATH).json()
    with serving(OPERATIONS, away, reads_only, app=application(url)) as client:
        found = client.get(PATH)
    assert {"type": "ValueError", "message": "hush", "traceback": "Traceback: hush"} == all_of_it["error"]
    assert {"type": "ValueError", "message": None, "traceback": None} == found.json()["error"]
    assert (False, None) == (found.json()["results_shown"], found.json()["result"])
    assert "hush" not in found.text
