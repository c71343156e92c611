"""Health has reasons, and each says what to do."""

from celery_otel_api.health_verdict import ALL_WELL, Verdict, judged
from celery_otel_api.queue_reader import QueueReading
from celery_otel_api.queue_status import queue_statuses
from celery_otel_api.queue_survey import QueueSurvey, unknown_queues
from celery_otel_api.snapshot import Snapshot
from tests.unit.api.queue_parts import AWAY, answer, snapshot, survey

FULL = survey(QueueReading("celery", length=3))


def verdict(seen: Snapshot, read: QueueSurvey = FULL, *, stale: str = "", collector: str = "") -> Verdict:
    """The verdict on workers and queues."""
    return judged(seen, read, queue_statuses(read, seen), stale=stale, collector=collector)


def test_workers_that_answer_and_queues_that_are_consumed_are_healthy() -> None:
    """There is nothing to say."""
    assert ("healthy", ALL_WELL, ()) == ((v := verdict(snapshot(answer("w1")))).health, v.message, v.reasons)


def test_a_silent_worker_degrades() -> None:
    """It may be busy; alone it is still a worker."""
    found = verdict(snapshot(silent=[answer("w1")]))
    assert "degraded" == found.health
    assert found.message.startswith("Silent: w1.")


def test_offline_workers_degrade() -> None:
    """They are named, but not all of a hundred."""
    found = verdict(snapshot(answer("w1"), offline=[f"o{n}" for n in range(100)]))
    assert "degraded" == found.health
    assert "Offline: o0, o1, o2, o3, o4 and 95 more." in found.message


def test_messages_that_nobody_takes_degrade() -> None:
    """A queue without a consumer matters once something waits in it."""
    other = survey(QueueReading("mail", length=3), QueueReading("empty", length=0))
    found = verdict(snapshot(answer("w1")), other)
    assert "degraded" == found.health
    assert ["mail"] == [queue for queue in ("mail", "empty") if any(f"-Q {queue}" in one for one in found.reasons)]


def test_queues_that_cannot_be_read_degrade() -> None:
    """Though the workers answer."""
    found = verdict(snapshot(answer("w1")), unknown_queues(["celery"], "Refused.", 1.0))
    assert ("degraded", ("The queues could not be read: Refused.",)) == (found.health, found.reasons)


def test_a_collector_that_is_away_degrades() -> None:
    """Its own words are the reason."""
    found = verdict(snapshot(answer("w1")), collector="The collector is away. Start it.")
    assert ("degraded", "The collector is away. Start it.") == (found.health, found.message)


def test_no_worker_is_unhealthy_and_the_rest_is_told_too() -> None:
    """The worst comes first."""
    found = verdict(snapshot(offline=["w1"]))
    assert "unhealthy" == found.health
    assert "No worker answers." in found.reasons[0]
    assert "Offline: w1." in found.reasons[1]
    assert 3 == len(found.reasons)
    assert found.message.endswith("And 2 more: see reasons.")


def test_no_broker_is_unhealthy_and_the_only_reason() -> None:
    """All else is not known."""
    found = verdict(AWAY, unknown_queues(["celery"], "The broker is away.", 1.0))
    assert "unhealthy" == found.health
    assert ("The broker is away. See that the broker runs and can be reached from here.",) == found.reasons


def test_what_is_too_old_is_not_believed() -> None:
    """However well it looked."""
    found = verdict(snapshot(answer("w1")), stale="Nobody has answered for 60 s.")
    assert ("unhealthy", "Nobody has answered for 60 s.") == (found.health, found.message)
