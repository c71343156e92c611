"""Celery's own scheduler, watched: every run of an entry is fired or missed."""

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from celery.beat import Scheduler, SchedulingError
from celery.schedules import schedule

from tests.unit.hooks.beats import HOUR, Make, fail


def test_a_run_in_time_is_a_fire_and_nothing_missed(beat: Make) -> None:
    """An entry that is due once is sent once; its last fire is what the schedule remembers."""
    one = beat()
    assert 0 == one.scheduler.tick()
    assert (0, one.last_run()) == (one.missed(), one.last_fire())


def test_a_late_run_stands_for_those_that_were_missed(beat: Make) -> None:
    """Of seven runs that were due, the seventh is sent and six were missed; the next tick adds nothing."""
    one = beat(ago=7.5 * HOUR)
    one.scheduler.tick()
    one.scheduler.tick()
    assert (6, one.last_run()) == (one.missed(), one.last_fire())


def test_before_it_fires_an_entry_has_the_time_that_the_schedule_remembers(beat: Make) -> None:
    """An entry that is not due is known all the same, with its last run; one that never ran has none."""
    ran, new = beat(ago=HOUR / 2), beat(ago=HOUR / 2, runs=0)
    ran.scheduler.tick()
    new.scheduler.tick()
    assert (0, ran.last_run()) == (ran.missed(), ran.last_fire())
    assert (0, None) == (new.missed(), new.last_fire())


def test_a_publish_that_fails_is_a_missed_run(beat: Make) -> None:
    """What could not be sent was missed, with those before it; Celery goes on, and so does the last fire."""
    one = beat(ago=3.5 * HOUR)
    remembered = one.last_run()
    one.scheduler.send_task = fail
    assert 0 == one.scheduler.tick()
    assert (3, remembered) == (one.missed(), one.last_fire())
    assert not [hook for hook, value in one.errors().items() if value]


def test_a_run_that_was_not_sent_is_no_fire_later_either(beat: Make) -> None:
    """The schedule remembers it as a run; that is not believed when the schedule changes."""
    one = beat()
    remembered = one.last_run()
    one.scheduler.send_task = fail
    one.scheduler.tick()
    one.scheduler.add(name="daily", task="shop.order", schedule=schedule(24 * HOUR, app=one.app))
    one.scheduler.tick()
    assert 0 == one.missed("daily")
    assert remembered == one.last_fire()
    assert remembered < one.last_run()


def test_a_tick_that_fails_before_sending_is_a_missed_run(beat: Make) -> None:
    """A broker that is not there ends beat's tick, and beat; the run that was reserved was not sent."""
    one = beat()
    one.scheduler.Producer = fail
    with pytest.raises(RuntimeError, match="broken on purpose"):
        one.scheduler.tick()
    assert 1 == one.missed()


def end(*_: Any, **__: Any) -> NoReturn:
    """What Celery's beat does at a SIGTERM, wherever it is."""
    raise SystemExit


def test_a_beat_that_is_told_to_end_before_it_has_sent_has_missed(beat: Make) -> None:
    """The schedule remembers the run, but nobody will make it any more."""
    sending, before = beat(ago=3.5 * HOUR), beat(ago=3.5 * HOUR)
    remembered = [one.last_run() for one in (sending, before)]
    sending.scheduler.send_task = end
    before.scheduler.apply_entry = end
    for one in (sending, before):
        with pytest.raises(SystemExit):
            one.scheduler.tick()
    assert [(3, at) for at in remembered] == [(one.missed(), one.last_fire()) for one in (sending, before)]


@pytest.mark.parametrize("error", [SystemExit, RuntimeError])
def test_what_ends_a_call_whose_message_is_out_does_not_make_it_missed(beat: Make, error: type[BaseException]) -> None:
    """A SIGTERM, or a schedule that cannot be saved, comes after the broker has taken the message: it is a fire."""
    one = beat(ago=3.5 * HOUR)
    one.scheduler.should_sync = lambda: True
    one.scheduler.sync = lambda: (_ for _ in ()).throw(error("broken on purpose"))
    with suppress(SystemExit):
        one.scheduler.tick()
    assert (2, one.last_run()) == (one.missed(), one.last_fire())


def test_what_else_is_published_on_the_way_is_not_the_runs(beat: Make) -> None:
    """Who is told that the schedule is saved may send tasks, too: the run that could not be sent is missed."""
    one = beat()
    one.scheduler.send_task = fail
    one.scheduler.should_sync = lambda: True
    one.scheduler.sync = lambda: one.app.send_task("shop.index")
    assert 0 == one.scheduler.tick()
    assert 1 == one.missed()


def test_a_beat_that_is_told_to_end_while_the_runs_that_were_due_are_counted_has_missed_one(
    beat: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schedule goes on without it; how many there were is not known."""
    one = beat(ago=3.5 * HOUR)
    monkeypatch.setattr("celery_otel.hooks.beat.due_runs", end)
    with pytest.raises(SystemExit):
        one.scheduler.tick()
    assert 1 == one.missed()


def test_what_other_threads_publish_meanwhile_is_not_the_runs(beat: Make) -> None:
    """A beat on a worker's thread that cannot send has missed, whatever the worker's others send."""
    one = beat()

    def fail_beside_another(*_: Any, **__: Any) -> NoReturn:
        thread = threading.Thread(target=one.app.send_task, args=("shop.order",))
        thread.start()
        thread.join()
        raise RuntimeError("broken on purpose")

    one.scheduler.send_task = fail_beside_another
    assert 0 == one.scheduler.tick()
    assert 1 == one.missed()


class Advancing(Scheduler):
    """Reserves in `apply_async`, as other schedulers do."""

    def tick(self, **_: Any) -> float:
        """Sends what is due."""
        for entry in list(self.schedule.values()):
            if entry.is_due()[0]:
                self.apply_async(entry)
        return 1.0


class Other(Scheduler):
    """Sends in a way of its own."""

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Sends without `apply_async`."""
        self.app.send_task(entry.task, producer=producer)


@pytest.mark.parametrize("scheduler_cls", [Advancing, Other])
def test_schedulers_of_other_classes_are_watched(beat: Make, scheduler_cls: type[Any]) -> None:
    """A scheduler that ticks, reserves or sends otherwise than Celery's gives the same numbers."""
    one = beat(scheduler_cls, ago=7.5 * HOUR)
    one.scheduler.tick()
    assert (6, one.last_run()) == (one.missed(), one.last_fire())


def test_an_advancing_scheduler_that_fails_has_missed(beat: Make) -> None:
    """The error reaches whoever called, as without us."""
    one = beat(Advancing)
    one.scheduler.send_task = fail
    with pytest.raises(SchedulingError):
        one.scheduler.tick()
    assert 1 == one.missed()


def test_entries_come_and_go(beat: Make) -> None:
    """An added entry has its series after the next tick; the gauge of a removed one ends, its counter stays."""
    one = beat(ago=2.5 * HOUR)
    one.scheduler.tick()
    one.scheduler.add(name="daily", task="shop.order", schedule=schedule(24 * HOUR, app=one.app), total_run_count=1)
    del one.scheduler.schedule["hourly"]
    one.scheduler.tick()
    assert (1, None) == (one.missed(), one.last_fire())
    assert (0, one.last_run("daily")) == (one.missed("daily"), one.last_fire("daily"))


def test_what_an_entry_would_have_missed_before_it_was_changed_does_not_count(beat: Make) -> None:
    """An hourly entry that becomes one of seconds has missed nothing; it is due at once, and once."""
    one = beat(ago=HOUR / 2)
    one.scheduler.tick()
    changed = one.scheduler.schedule["hourly"]
    one.scheduler.schedule["hourly"] = type(changed)(**{**dict(changed), "schedule": schedule(1, app=one.app)})
    one.scheduler.tick()
    assert (0, one.last_run()) == (one.missed(), one.last_fire())
    assert 2 == one.scheduler.schedule["hourly"].total_run_count


def test_an_entry_that_comes_back_has_missed_nothing(beat: Make) -> None:
    """What was due while an entry was out of the schedule was not missed."""
    one = beat(ago=HOUR / 2)
    one.scheduler.tick()
    entry = one.scheduler.schedule.pop("hourly")
    one.scheduler.tick()
    entry.last_run_at -= 5 * HOUR
    one.scheduler.schedule["hourly"] = entry
    one.scheduler.tick()
    assert (0, one.last_run()) == (one.missed(), one.last_fire())


def test_an_entry_with_a_start_is_due_from_then_on(beat: Make) -> None:
    """django-celery-beat dates the last run of such an entry back by thirty years: they are not missed."""
    one = beat(ago=timedelta(days=365 * 30), runs=0)
    entry = one.scheduler.schedule["hourly"]
    entry.__class__ = type(
        "ModelEntry", (type(entry),), {"model": SimpleNamespace(start_time=datetime.now(UTC) - 2.5 * HOUR)}
    )
    one.scheduler.tick()
    # At its start and twice since then: the last one is sent.
    assert 2 == one.missed()
