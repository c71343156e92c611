"""Who is waited for, and in what order the ends of attempts come that several clocks have measured."""

from celery_otel_api.ended_attempts import MOST_ENDED
from celery_otel_api.fleet import Fleet
from celery_otel_api.settings import ApiSettings
from celery_otel_api.snapshot import Surveyor
from tests.unit.test_inspection import ENDED, NOW, Replies, app_of, pong, report

DAY = 86_400.0


class Watch:
    """A surveyor of workers that reply from a script, at a time that only we move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.replies: dict[str, Replies] = {}
        self.fleet = Fleet((), 1e6, lambda: self.now)
        settings = ApiSettings.read(inspect_timeout=1.0, deadline=2.0)
        app = app_of(self.replies)
        self.survey = Surveyor(app, settings, self.fleet, lambda: NOW, monotonic=lambda: self.now, everybody=10.0)

    def ping(self, *replies: dict[str, object]) -> None:
        """From now on these come."""
        self.replies["ping"] = list(replies)

    def names(self) -> list[str]:
        """Who has answered now."""
        return [answer.name for answer in self.survey().answers]


def ends(number: int, at: float, name: str = "t") -> list[dict[str, object]]:
    """Attempts that ended one second apart, the last one at a Unix time."""
    return [{**ENDED, "id": f"{name}-{n}", "ended_at": at - n} for n in range(number)]


def test_now_and_then_whoever_is_there_is_waited_for() -> None:
    """A slower worker without a heart is found after some seconds, though all who are expected answer first."""
    watch = Watch()
    watch.ping(pong("w@a", report()))
    assert ["w@a"] == watch.names()
    watch.ping(pong("w@a", report()), pong("slow@a", report()))
    assert ["w@a"] == watch.names(), "those who are expected end the wait"
    watch.now += 10.0
    assert ["slow@a", "w@a"] == watch.names()
    assert ["slow@a", "w@a"] == watch.names(), "it is expected now"


def test_a_clock_that_is_ahead_evicts_nobody() -> None:
    """Ends are in the order of one clock, and the newest of all workers are kept."""
    watch = Watch()
    ahead = report(now=NOW + DAY, ended=ends(MOST_ENDED, NOW + DAY - 10, "ahead"))
    watch.ping(pong("ahead@a", ahead), pong("w@a", report(now=NOW, ended=ends(5, NOW - 1, "right"))))
    ended = watch.survey().ended
    assert MOST_ENDED == len(ended)
    assert [f"right-{n}" for n in range(5)] == [task.task_id for task in ended[:5]]


def test_a_clock_that_is_set_right_changes_nothing_of_before() -> None:
    """What its worker told by the wrong one does not come before what ends afterwards."""
    watch = Watch()
    watch.ping(pong("w@a", report(now=NOW + DAY, ended=ends(2, NOW + DAY - 10, "wrong"))))
    watch.survey()
    watch.ping(pong("w@a", report(now=NOW, ended=ends(1, NOW - 1, "right"))))
    assert ["right-0", "wrong-0", "wrong-1"] == [task.task_id for task in watch.survey().ended]


def test_what_is_told_twice_is_there_once() -> None:
    """A worker whose clock was set back tells all it knows again."""
    watch = Watch()
    watch.ping(pong("w@a", report(ended=ends(3, NOW))))
    assert [3, 3] == [len(watch.survey().ended), len(watch.survey().ended)]
