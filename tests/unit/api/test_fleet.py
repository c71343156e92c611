"""Who is expected, and what is known of each."""

import pytest

from celery_otel.inspection import WorkerAnswer
from celery_otel_api.fleet import Fleet, Presence


class Time:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def time() -> Time:
    """The time, in the test's hand."""
    return Time()


@pytest.fixture
def fleet(time: Time) -> Fleet:
    """A fleet of which one worker is configured; the others are forgotten after an hour."""
    return Fleet(["w1@host"], 3600.0, time, fresh=45.0)


def answer(name: str) -> WorkerAnswer:
    """An answer that says no more than who gave it."""
    return WorkerAnswer(name, instrumented=True)


def presences(fleet: Fleet, *answered: str, asked: bool = True) -> dict[str, tuple[str, float | None]]:
    """What is known of each worker, and since when."""
    return {member.name: (member.presence, member.since) for member in fleet.members(answered, asked=asked)}


def test_a_configured_worker_is_expected_before_it_was_ever_seen(fleet: Fleet) -> None:
    """It is offline, and nobody knows since when."""
    assert {"w1@host": (Presence.OFFLINE, None)} == presences(fleet)
    assert {"w1@host"} == fleet.expected


def test_who_answers_is_online_and_expected_from_then_on(fleet: Fleet, time: Time) -> None:
    """A worker that answered once and then does not is offline since its last answer."""
    fleet.answered([answer("w2@host")])
    assert Presence.ONLINE == presences(fleet, "w2@host")["w2@host"][0]
    time.now += 10
    assert (Presence.OFFLINE, 10.0) == presences(fleet)["w2@host"]
    assert {"w1@host", "w2@host"} == fleet.expected


def test_a_heart_that_beats_is_silence_and_no_absence(fleet: Fleet, time: Time) -> None:
    """A worker whose heartbeats come is silent; when they have stopped for long enough it is offline."""
    fleet.answered([answer("w1@host")])
    time.now += 60
    fleet.beat("w1@host")
    time.now += 44
    assert (Presence.SILENT, 44.0) == presences(fleet)["w1@host"]
    time.now += 1
    assert (Presence.OFFLINE, 45.0) == presences(fleet)["w1@host"]


def test_a_heartbeat_may_say_how_long_it_lasts(fleet: Fleet, time: Time) -> None:
    """A heart that beats often is missed sooner, unless another one says that it is still alive."""
    fleet.beat("w1@host", lasts=10.0)
    time.now += 10
    assert Presence.OFFLINE == presences(fleet)["w1@host"][0]
    fleet.beat("w1@host")
    fleet.beat("w1@host", lasts=10.0)
    time.now += 44
    assert Presence.SILENT == presences(fleet)["w1@host"][0]


def test_who_said_goodbye_is_not_expected(fleet: Fleet) -> None:
    """A worker that stopped cleanly is forgotten; one that is configured is offline at once."""
    fleet.answered([answer("w1@host"), answer("w2@host")])
    for name in ("w1@host", "w2@host"):
        fleet.beat(name)
        fleet.left(name)
    assert ["w1@host"] == list(presences(fleet))
    assert Presence.OFFLINE == presences(fleet)["w1@host"][0]


def test_who_is_away_for_long_is_forgotten(fleet: Fleet, time: Time) -> None:
    """After the configured time nobody waits for a worker any more, unless it is configured."""
    fleet.answered([answer("w1@host"), answer("w2@host")])
    time.now += 3601
    assert {"w1@host"} == fleet.expected


def test_without_a_broker_nothing_is_known(fleet: Fleet) -> None:
    """Workers that could not be asked are neither online nor offline."""
    fleet.answered([answer("w2@host")])
    assert {Presence.UNKNOWN} == {presence for presence, _ in presences(fleet, asked=False).values()}
