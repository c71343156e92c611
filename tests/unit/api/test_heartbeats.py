"""Hearts on the collector's page: one that has changed beats, whatever the clocks of other hosts say."""

import pytest

from celery_otel.inspection import WorkerAnswer
from celery_otel_api.fleet import Fleet, Presence
from celery_otel_api.heartbeats import CollectorHeartbeats


def page(name: str, heart: float, size: int = 1, job: str = "shop") -> str:
    """What the collector shows of a worker."""
    labels = f'{{instance="{name}",job="{job}",worker_name="{name}"}}'
    return (
        "# TYPE celery_worker_heartbeat_timestamp_seconds gauge\n"
        f"celery_worker_heartbeat_timestamp_seconds{labels} {heart}\n"
        "# TYPE celery_worker_pool_size gauge\n"
        f"celery_worker_pool_size{labels} {size}\n"
    )


@pytest.fixture
def fleet() -> Fleet:
    """Nobody, at a time that stands still."""
    return Fleet((), forget_after=60, monotonic=lambda: 0.0)


@pytest.fixture
def hearts(fleet: Fleet) -> CollectorHeartbeats:
    """Hearts of the job shop."""
    return CollectorHeartbeats(fleet, "shop")


def presences(fleet: Fleet) -> dict[str, Presence]:
    """What is known of each worker when none answers."""
    return {member.name: member.presence for member in fleet.members((), asked=True)}


def test_one_look_says_nothing(fleet: Fleet, hearts: CollectorHeartbeats) -> None:
    """The collector shows a worker for a while after its death."""
    hearts.read(page("a@b", 1.0))
    assert {} == presences(fleet)


def test_a_heart_that_stands_still_does_not_beat(fleet: Fleet, hearts: CollectorHeartbeats) -> None:
    """The same value again is no sign of life."""
    hearts.read(page("a@b", 1.0))
    hearts.read(page("a@b", 1.0))
    assert {} == presences(fleet)


def test_a_heart_that_has_changed_beats(fleet: Fleet, hearts: CollectorHeartbeats) -> None:
    """A worker that never answered is expected, and silent."""
    hearts.read(page("a@b", 1.0))
    hearts.read(page("a@b", 2.0))
    assert {"a@b": Presence.SILENT} == presences(fleet)


def test_a_clock_that_is_set_back_beats_too(fleet: Fleet, hearts: CollectorHeartbeats) -> None:
    """Hosts may have any time."""
    hearts.read(page("a@b", 2.0))
    hearts.read(page("a@b", 1.0))
    assert {"a@b": Presence.SILENT} == presences(fleet)


def test_another_applications_workers_are_not_expected(fleet: Fleet, hearts: CollectorHeartbeats) -> None:
    """One collector may serve several applications."""
    for heart in (1.0, 2.0):
        hearts.read(page("a@b", heart, job="other"))
    assert {} == presences(fleet)


def test_a_worker_that_is_known_beats_under_the_name_on_its_series(fleet: Fleet, hearts: CollectorHeartbeats) -> None:
    """Neither its job nor its name on the series has to be the usual one."""
    fleet.answered([WorkerAnswer("a@pod", instrumented=True, worker_name="orders-0")])
    for heart in (1.0, 2.0):
        hearts.read(page("orders-0", heart, job="other"))
    assert {"a@pod": Presence.SILENT} == presences(fleet)


def test_a_pool_without_slots_says_goodbye(fleet: Fleet, hearts: CollectorHeartbeats) -> None:
    """A worker that stopped cleanly is not expected any more."""
    for heart, size in ((1.0, 4), (2.0, 4), (3.0, 0), (3.0, 0)):
        hearts.read(page("a@b", heart, size))
    assert {} == presences(fleet)


def test_goodbye_is_said_once(fleet: Fleet, hearts: CollectorHeartbeats) -> None:
    """A worker that has come back is not sent away by what the collector still shows."""
    for _ in range(2):
        hearts.read(page("a@b", 1.0, 0))
    fleet.beat("a@b")
    hearts.read(page("a@b", 1.0, 0))
    assert {"a@b": Presence.SILENT} == presences(fleet)


def test_a_late_answer_does_not_bring_a_worker_back() -> None:
    """Who said goodbye after it was asked is gone, though its answer comes; asked again later it is back."""
    now = 1.0
    fleet = Fleet((), forget_after=60, monotonic=lambda: now)
    asked_at = fleet.asking()
    now = 2.0
    fleet.left("a@b")
    fleet.answered([WorkerAnswer("a@b", instrumented=True)], asked_at)
    gone = presences(fleet)
    now = 3.0
    fleet.answered([WorkerAnswer("a@b", instrumented=True)], fleet.asking())
    assert ({}, {"a@b": Presence.OFFLINE}) == (gone, presences(fleet))


def test_the_last_beats_of_a_worker_that_has_left_do_not_bring_it_back() -> None:
    """The collector learns of beats after the goodbye by event; a worker that is back beats on, or answers."""
    now = 100.0
    fleet = Fleet((), forget_after=600, monotonic=lambda: now)
    hearts = CollectorHeartbeats(fleet, "shop")
    hearts.read(page("a@b", 1.0))
    fleet.beat("a@b", lasts=10.0)
    fleet.left("a@b")

    now += 10
    hearts.read(page("a@b", 2.0))
    gone = presences(fleet)
    now += 35
    hearts.read(page("a@b", 3.0))

    assert ({}, {"a@b": Presence.SILENT}) == (gone, presences(fleet))


def test_a_worker_that_answers_again_after_its_goodbye_beats_again() -> None:
    """A solo worker that was restarted and runs a task at once is silent, and not gone."""
    now = 100.0
    fleet = Fleet((), forget_after=600, monotonic=lambda: now)
    hearts = CollectorHeartbeats(fleet, "shop")
    hearts.read(page("a@b", 1.0))
    fleet.left("a@b")
    now += 1
    fleet.answered([WorkerAnswer("a@b", instrumented=True)], fleet.asking())
    hearts.read(page("a@b", 2.0))

    assert {"a@b": Presence.SILENT} == presences(fleet)
