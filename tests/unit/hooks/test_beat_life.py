"""The telemetry of a beat begins with its first tick, takes its own errors, and leaves nothing behind."""

from types import SimpleNamespace

import pytest
from celery import Celery, signals
from celery.beat import Scheduler

from celery_otel.hooks.beat import HOOKS, BeatTelemetry
from celery_otel.hooks.embedded import beat_awaiter
from celery_otel.settings import Settings
from tests.live_receivers import live_receivers
from tests.unit.hooks.beats import HOUR, Exports, Make, Service, fail


def test_the_first_tick_opens_the_pipeline(beat: Make) -> None:
    """By then Celery has said whether beat is embedded; the end closes it, once."""
    alone, embedded = beat(), beat()
    signals.beat_embedded_init.send(sender=embedded.service)
    for one in (alone, embedded):
        one.scheduler.tick()
        one.scheduler.tick()
        one.telemetry.close()
        one.telemetry.close()
    assert ["alone", "start", "close"] == alone.exports.events
    assert ["embedded", "start", "close"] == embedded.exports.events


def test_the_scheduler_is_left_as_it_was(beat: Make) -> None:
    """After the end nothing of ours is on the scheduler, except under what others have put on top, or hears of it."""
    before = live_receivers([signals.after_task_publish])
    plain, covered = beat(), beat()
    covered.scheduler.tick = cover = lambda: 5.0
    plain.telemetry.close()
    covered.telemetry.close()
    assert {} == {name: value for name, value in vars(plain.scheduler).items() if callable(value) and name in HOOKS}
    assert cover is covered.scheduler.tick
    assert before == live_receivers([signals.after_task_publish])


def test_what_others_have_put_on_the_scheduler_before_stays() -> None:
    """A method that was put on the object before is what is there afterwards."""
    scheduler = Scheduler(Celery("shop", broker="memory://", set_as_current=False))
    scheduler.tick = before = lambda: 5.0
    telemetry = BeatTelemetry(Service(scheduler), Settings.read({}), Exports().open)
    assert 5.0 == scheduler.tick()
    telemetry.close()
    assert before is scheduler.tick


@pytest.mark.parametrize(
    ("hook", "broken"), [("tick", "ticked"), ("entries", "replace_entries"), ("apply_async", "fired")]
)
def test_an_error_of_ours_is_counted_and_costs_no_run(
    beat: Make, hook: str, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails here, the entry is sent and the tick ends as ever."""
    one = beat()
    before = one.last_run()
    monkeypatch.setattr(one.telemetry.counts, broken, fail)
    assert 0 == one.scheduler.tick()
    assert before < one.last_run()
    assert {**dict.fromkeys(HOOKS, 0), hook: 1} == one.errors()


def test_a_run_that_we_do_not_understand_is_a_fire_all_the_same(beat: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the runs that were due cannot be told, one was; its time is now."""
    monkeypatch.setattr("celery_otel.hooks.beat.due_runs", fail)
    one = beat(ago=3.5 * HOUR)
    before = one.last_run()
    assert 0 == one.scheduler.tick()
    assert (0, True) == (one.missed(), before < float(str(one.last_fire())))
    assert 1 == one.errors()["reserve"]


def test_a_pipeline_that_does_not_open_costs_no_tick(beat: Make) -> None:
    """It is tried once, and counted."""
    one = beat()
    one.telemetry._open_pipeline = fail  # noqa: SLF001  # as if the exporters were broken
    assert 0 == one.scheduler.tick()
    one.scheduler.tick()
    assert 1 == one.errors()["start"]


def test_a_worker_waits_for_the_beat_that_it_has_embedded() -> None:
    """For so long at most; a worker without one, or another worker, for nothing."""
    waited: list[float] = []
    worker = SimpleNamespace(beat=SimpleNamespace(join=waited.append))
    beat_awaiter(worker, 2.0)(sender=worker)
    beat_awaiter(worker, 3.0)(sender=SimpleNamespace(beat=None))
    alone = SimpleNamespace(beat=None)
    beat_awaiter(alone, 4.0)(sender=alone)
    assert [2.0] == waited
