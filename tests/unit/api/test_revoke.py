"""`POST tasks/{task_id}/revoke` on snapshots that are made here, with workers that answer what a test has written."""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx
import pytest
from celery import Celery

from celery_otel_api.fleet import Presence
from celery_otel_api.revoke import OPERATIONS
from celery_otel_api.snapshot import Snapshot
from tests.unit.api.scripted import Reply, scripted_app
from tests.unit.api.service import NOW, answer, ended, member, serving, snapshot_of

PATH = "/api/v1/celery/tasks/t/revoke"
QUIET = member(answer(name="solo@b"), Presence.SILENT)


def revoked(
    survey: Callable[[], Snapshot], answers: Callable[[str], Iterable[Reply]], backend: str | None = None
) -> httpx.Response:
    """Asks for a revoke."""
    app, _ = scripted_app(answers)
    app.conf.result_backend = backend
    with serving(OPERATIONS, survey, app=app, expected=["w@a", "solo@b"]) as client:
        return client.post(PATH)


def broken(_: str) -> Iterable[Reply]:
    """The connection breaks."""
    raise ConnectionResetError("reset")


def confirms(*names: str) -> Callable[[str], Iterable[Reply]]:
    """These workers confirm."""
    return lambda _: [{name: {"ok": "tasks t flagged as revoked"}} for name in names]


@pytest.fixture
def backend(tmp_path: Path) -> str:
    """A result backend in which some worker has noted the revoke."""
    url = f"file://{tmp_path}"
    writer = Celery("unit", broker="memory://", backend=url, set_as_current=False)
    writer.backend.mark_as_revoked("t", "revoked")
    writer.close()
    return url


def test_nothing_was_revoked_with_the_broker_away_before() -> None:
    """Nothing was sent."""
    found = revoked(lambda: Snapshot(NOW, broker_connected=False, reason="It is away."), broken)
    assert (503, "It is away. Nothing was revoked: try again when the broker is back.") == (
        found.status_code,
        found.json()["detail"],
    )


def test_a_broker_that_breaks_off_leaves_it_unknown() -> None:
    """The request may be out: the answer does not say that nothing was revoked."""
    found = revoked(lambda: snapshot_of(member(answer())), broken)
    assert 503 == found.status_code
    assert "Whether it was revoked is not known: look at the task's state, and ask again." in found.json()["detail"]
    assert "Nothing was revoked" not in found.json()["detail"]


def test_a_broker_that_hangs_leaves_it_unknown() -> None:
    """When the time is over, the request may be out."""
    gate = threading.Event()

    def hangs(_: str) -> Iterable[Reply]:
        gate.wait(30)
        return ()

    app, _ = scripted_app(hangs)
    with serving(OPERATIONS, lambda: snapshot_of(member(answer())), app=app, deadline=0.1) as client:
        found = client.post(PATH)
        gate.set()
    assert (503, True) == (found.status_code, "Whether it was revoked is not known" in found.json()["detail"])


def test_a_revoke_noted_by_another_worker_is_not_done(backend: str) -> None:
    """While the one is silent that may run the task, asking again is answered 202 and names it."""
    found = revoked(lambda: snapshot_of(member(answer()), QUIET), confirms("w@a"), backend)
    assert (202, "REVOKED", ["solo@b"]) == (found.status_code, found.json()["state"], found.json()["silent"])
    assert "solo@b did not answer and may still run it" in found.json()["detail"]


def test_a_revoke_is_done_when_everyone_has_answered(backend: str) -> None:
    """Nobody is left who could run the task."""
    found = revoked(lambda: snapshot_of(member(answer()), QUIET), confirms("w@a", "solo@b"), backend)
    assert (200, []) == (found.status_code, found.json()["silent"])


def test_a_revoke_is_done_when_the_end_is_noted(backend: str) -> None:
    """Whoever is silent does not run a task that has ended."""
    found = revoked(
        lambda: snapshot_of(member(answer()), QUIET, ended=[ended("t", "revoked", "terminated")]),
        confirms("w@a"),
        backend,
    )
    assert (200, "REVOKED") == (found.status_code, found.json()["state"])
