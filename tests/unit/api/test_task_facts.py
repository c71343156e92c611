"""Who knows best what a task does."""

import pytest

from celery_otel_api.fleet import Presence
from celery_otel_api.queue_search import Found
from celery_otel_api.results import Stored, StoredError
from celery_otel_api.snapshot import Snapshot
from celery_otel_api.task_facts import in_queue, known, last_heard, unknown
from celery_otel_api.task_state_schemas import Source
from tests.unit.api.service import NOW, answer, ended, held, member, snapshot_of

NOTHING = Stored(configured=True)


def stored(state: str, error: str = "") -> Stored:
    """What the result backend says."""
    return Stored(configured=True, state=state, error=StoredError(error, "said") if error else None)


@pytest.mark.parametrize(
    ("held_as", "backend", "ring", "expected"),
    [
        ("active", NOTHING, None, ("STARTED", Source.WORKER)),
        ("reserved", NOTHING, None, ("RESERVED", Source.WORKER)),
        ("scheduled", stored("RETRY"), "retry", ("SCHEDULED", Source.WORKER)),
        ("active", stored("PROGRESS"), None, ("PROGRESS", Source.WORKER)),
        ("active", stored("SUCCESS"), None, ("SUCCESS", Source.RESULT_BACKEND)),
        ("reserved", stored("REVOKED"), None, ("RESERVED", Source.WORKER)),
        (None, stored("FAILURE"), "failure", ("FAILURE", Source.RESULT_BACKEND)),
        (None, stored("STARTED"), None, ("STARTED", Source.RESULT_BACKEND)),
        (None, stored("STARTED"), "ignored", ("IGNORED", Source.RECENT_ATTEMPTS)),
        (None, stored("RETRY"), "retry", ("RETRY", Source.RESULT_BACKEND)),
        (None, NOTHING, "success", ("SUCCESS", Source.RECENT_ATTEMPTS)),
        (None, NOTHING, "rejected", ("REJECTED", Source.RECENT_ATTEMPTS)),
        (None, NOTHING, None, None),
    ],
)
def test_who_knows_best(
    held_as: str | None, backend: Stored, ring: str | None, expected: tuple[str, Source] | None
) -> None:
    """A worker that holds a task knows best, then the result backend, then who remembers its end; the newest wins."""
    tasks = [held("t", held_as)] if held_as else []
    snapshot = snapshot_of(member(answer(*tasks)), ended=[ended("t", ring)] if ring else [])
    facts = known("t", snapshot, backend)
    assert expected == (None if facts is None else (facts.state, facts.source))


@pytest.mark.parametrize("presence", [Presence.SILENT, Presence.OFFLINE])
def test_revoked_is_no_end_while_somebody_may_run_it(presence: Presence) -> None:
    """Any worker may have noted the revoke: one that did not answer is named, unless the task's end is known."""
    quiet = member(answer(name="x@b"), presence)
    facts = known("t", snapshot_of(member(answer()), quiet), stored("REVOKED"))
    assert facts is not None
    assert ("REVOKED", False) == (facts.state, facts.ready)
    assert "These workers did not answer and may still run it: x@b." in facts.explanation
    over = known("t", snapshot_of(quiet, ended=[ended("t", "revoked", "terminated")]), stored("REVOKED"))
    retried = known("t", snapshot_of(quiet, ended=[ended("t", "retry")]), stored("REVOKED"))
    failed = known("t", snapshot_of(quiet), stored("FAILURE"))
    assert [True, False, True] == [facts.ready for facts in (over, retried, failed) if facts]


def test_revoked_is_an_end_when_everyone_has_answered() -> None:
    """No worker that could run it holds it."""
    facts = known("t", snapshot_of(member(answer())), stored("REVOKED"))
    assert facts is not None
    assert (True, "The result backend says so.") == (facts.ready, facts.explanation)


def test_revoked_is_no_end_while_nobody_can_be_asked() -> None:
    """With the broker away a worker may run on."""
    away = Snapshot(NOW, broker_connected=False, reason="It is away.", members=(member(answer(), Presence.UNKNOWN),))
    facts = known("t", away, stored("REVOKED"))
    assert facts is not None
    assert not facts.ready
    assert "It is away. So the workers could not be asked: w@a. They may still run it." in facts.explanation


def test_a_task_that_runs_again_is_where_it_runs() -> None:
    """Of an attempt that runs and a retry of it that waits already, the one that runs is told."""
    snapshot = snapshot_of(member(answer(held("t", "scheduled"), held("t"))))
    facts = known("t", snapshot, NOTHING)
    assert facts is not None
    assert ("STARTED", NOW) == (facts.state, facts.where.since if facts.where else None)


def test_a_failure_has_its_class() -> None:
    """The class of an exception comes from the result backend, or from who remembers the attempt."""
    by_backend = known("t", snapshot_of(), stored("FAILURE", "ValueError"))
    by_ring = known("t", snapshot_of(ended=[ended("t", "failure", "timeout")]), NOTHING)
    assert ["ValueError", "timeout"] == [facts.error_type for facts in (by_backend, by_ring) if facts]


def test_a_message_in_a_queue_is_queued() -> None:
    """What waits in a queue is queued; what was delivered and not confirmed is with a worker."""
    quiet = snapshot_of(member(answer(name="x@b"), Presence.SILENT))
    waits = in_queue(Found(searched=True, queue="q", task_name="shop.add"), quiet)
    delivered = in_queue(Found(searched=True, queue="", delivered=True), quiet)
    assert ["QUEUED", "RESERVED"] == [facts.state for facts in (waits, delivered) if facts]
    assert delivered is not None
    assert "x@b" in delivered.explanation
    assert in_queue(Found(searched=True), quiet) is None


def test_a_silent_workers_last_word_is_told_as_such() -> None:
    """What a silent worker held when it last answered is told, with how long ago that was."""
    facts = last_heard("t", [member(answer(held("t")), Presence.SILENT, 7.0)])
    assert facts is not None
    assert ("STARTED", Source.LAST_ANSWER, ("w@a",)) == (facts.state, facts.source, facts.holders)
    assert "So said w@a 7 s ago, which is silent now" in facts.explanation
    assert last_heard("t", [member(answer(held("t")))]) is None


def test_unknown_says_who_could_not_be_asked() -> None:
    """UNKNOWN names silent workers, a backend that was not read, and queues that were not looked at."""
    quiet = snapshot_of(member(answer(name="x@b"), Presence.SILENT))
    text = unknown(quiet, Stored(configured=False, reason="No backend."), Found(searched=False)).explanation
    assert all(part in text for part in ("Never seen, or expired", "x@b", "No backend.", "may wait in a queue"))
    away = Snapshot(NOW, broker_connected=False, reason="It is away.")
    assert "It is away." in unknown(away, NOTHING, Found(searched=False)).explanation
