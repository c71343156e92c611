"""The numbers of a queue add up, and what is not known is said."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from celery_otel.inspection import STATES
from celery_otel_api.queue_reader import QueueReading
from celery_otel_api.queue_status import queue_statuses
from celery_otel_api.queue_survey import unknown_queues
from celery_otel_api.queues_schemas import QueueStatus
from celery_otel_api.snapshot import Snapshot
from tests.unit.api.queue_parts import AWAY, answer, snapshot, survey


def status(reading: QueueReading, seen: Snapshot, keys: dict[str, str] | None = None) -> QueueStatus:
    """The status of one queue."""
    (found,) = queue_statuses(survey(reading, keys=keys), seen)
    return found


def reading(length: int | None = 5, unacknowledged: int | None = 0, name: str = "celery") -> QueueReading:
    """What Redis says of a queue."""
    reasons = {} if unacknowledged is not None else {"unacknowledged": "Not told."}
    return QueueReading(name, length=length, unacknowledged=unacknowledged, reasons=reasons)


@given(
    length=st.integers(0, 100),
    held=st.lists(st.sampled_from(STATES), max_size=20),
    lost=st.integers(0, 20),
    late=st.booleans(),
)
def test_each_task_counts_once(length: int, held: list[str], lost: int, *, late: bool) -> None:
    """The backlog is at most what there is, and just that with late acknowledgements or without a lost worker."""
    acknowledged = 0 if late else held.count("active")
    found = status(
        reading(length, len(held) - acknowledged + lost), snapshot(answer("w1", [("celery", state) for state in held]))
    )
    there = length + len(held) + lost
    assert found.backlog is not None
    assert found.backlog == sum(getattr(found, part) for part in ("length", *STATES, "unreported"))
    assert found.backlog <= there
    assert found.backlog == there or (lost and acknowledged)


def test_what_a_lost_worker_had_is_in_the_backlog() -> None:
    """Its messages are not acknowledged, and nobody reports them."""
    found = status(reading(5, 3), snapshot(answer("w1", [("celery", "reserved")])))
    assert 2 == found.unreported
    assert 8 == found.backlog


def test_tasks_count_in_the_queue_they_came_by() -> None:
    """Also where the messages' routing key is not the queue's name."""
    seen = snapshot(answer("w1", [("fast", "active"), ("celery", "active")], queues=("express", "celery")))
    assert 1 == status(reading(name="express"), seen, keys={"fast": "express"}).active
    assert 1 == status(reading(), seen, keys={"fast": "express"}).active


def test_a_worker_that_lists_not_all_it_holds() -> None:
    """With one queue its numbers are the queue's; with several nobody knows, and both say so."""
    one = snapshot(answer("w1", [("celery", "scheduled")], counts={"scheduled": 7000}))
    assert 7000 == status(reading(), one).scheduled
    two = snapshot(answer("w1", [("a", "scheduled")], queues=("a", "celery"), counts={"scheduled": 7000}))
    found = status(reading(), two)
    assert found.scheduled is None
    assert "w1 holds 7000 tasks" in found.reasons["scheduled"]
    assert found.backlog is None
    assert 0 == found.active


def test_workers_that_answer_and_silent_ones_consume() -> None:
    """A solo worker that is busy consumes its queue all the same, and it is told that its tasks are missing."""
    found = status(reading(), snapshot(answer("w1"), answer("w3", queues=("other",)), silent=[answer("w2")]))
    assert 2 == found.consumers
    assert ["w1", "w2"] == found.workers
    assert ["w2"] == found.silent


def test_the_brokers_own_number_of_consumers_wins() -> None:
    """RabbitMQ also knows those that are no workers of ours; where it should know and does not, it is null."""
    seen = snapshot(answer("w1"))
    assert 4 == status(QueueReading("celery", length=1, consumers=4), seen).consumers
    assert status(QueueReading("celery", reasons={"consumers": "There is no such queue."}), seen).consumers is None


def test_unacknowledged_may_be_unknown() -> None:
    """The backlog is then what is known, and the reason is there."""
    found = status(reading(5, None), snapshot(answer("w1", [("celery", "reserved")])))
    assert found.unreported is None
    assert "Not told." == found.reasons["unreported"]
    assert 6 == found.backlog


def test_without_a_broker_nothing_is_0() -> None:
    """Every number is null and has its reason."""
    (found,) = queue_statuses(unknown_queues(["celery"], "The broker is away.", 1.0), AWAY)
    numbers = found.model_dump(exclude={"name", "workers", "silent", "reasons"})
    assert {None} == set(numbers.values())
    assert set(numbers) == set(found.reasons)


def test_what_a_worker_did_not_tell_is_not_0() -> None:
    """Of the queues that it consumes it is not known how much is held, with the reason."""
    mute = replace(answer("mute"), counts={"reserved": 0, "scheduled": 0})
    found = status(reading(), snapshot(mute))
    assert (None, 0) == (found.active, found.reserved)
    assert "mute did not tell its active tasks." == found.reasons["active"]
