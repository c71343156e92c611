"""`celery beat`: what it says of its ticks, fires and missed runs is what its schedule and the worker say."""

import signal
import time
from datetime import UTC, datetime, timedelta

import pytest

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.redis import RedisServer
from tests.integration.beat.conftest import (
    HOUR,
    LAST_FIRE,
    LAST_TICK,
    MISSED,
    Page,
    Scene,
    Timing,
    backdate,
    remembered,
)
from tests.integration.beat.journal import missed
from tests.integration.beat.shared import BREAKABLE, TASK

ERRORS = "celery_otel_hook_errors_total"


def tick(page: Page) -> float:
    """When beat last began a tick."""
    return page.value(LAST_TICK) or 0.0


def wait_for_tick_after(page: Page, moment: float) -> None:
    """Waits until beat has begun a tick later than that."""
    wait_until(lambda: tick(page) > moment, deadline=30, message=lambda: f"the last tick is {tick(page)}, not later")


def test_fires_are_what_the_schedule_remembers_and_the_worker_received(scene: Scene) -> None:
    """The last fire is the schedule's last run, also in its file, and the worker received as many as were run."""
    worker, received = scene.worker()
    beat, page = scene.beat({"often": 1.0, "rarely": HOUR})
    with worker, beat:
        scene.wait_for_runs("often", 3)
        scene.wait_for_agreement(page, "often")
        wait_for_tick_after(page, time.time())
        assert (0.0, None) == (page.value(MISSED, entry="rarely"), page.value(LAST_FIRE, entry="rarely"))
        # Right after a run: none is under way when it is told to end.
        scene.wait_for_runs("often", len(scene.runs("often")) + 1)
        beat.stop()
        runs = scene.runs("often")
        assert runs[-1].at == remembered(beat.schedule_path, "often")
        scene.eventually(len(runs), lambda: received.value("celery_task_received_total", task_name=TASK))
        assert not [name for name in received.names() if name.startswith("celery_beat_")]


def test_missed_runs_are_those_that_were_due_while_beat_was_down(scene: Scene, python: str) -> None:
    """A beat that starts again counts exactly the runs in between, as the schedule's file gives them."""
    beat, page = scene.beat({"often": 1.0}, python=python)
    with beat:
        scene.wait_for_runs("often", 2)
    before = len(scene.runs("often"))
    last = remembered(beat.schedule_path, "often")
    wait_until(lambda: time.time() > last + 4.5, deadline=30, message="time stands still")
    with beat:
        scene.wait_for_runs("often", before + 2)
        scene.wait_for_agreement(page, "often", life=before)
        assert missed(scene.runs("often")[before:], 1.0) >= 3


def test_what_the_schedule_remembers_is_known_before_an_entry_fires(scene: Scene) -> None:
    """After a restart the last fire of an entry that is not due yet is the one in the schedule's file."""
    beat, page = scene.beat({"rarely": HOUR})
    with beat:
        scene.eventually(0.0, lambda: page.value(MISSED, entry="rarely"))
    backdate(beat.schedule_path, "rarely", timedelta(minutes=10))
    last = remembered(beat.schedule_path, "rarely")
    with beat:
        scene.eventually(last, lambda: page.value(LAST_FIRE, entry="rarely"))
    assert [] == scene.runs("rarely")


def test_long_outages_are_counted_by_the_schedule(scene: Scene) -> None:
    """Of hours an interval misses those that passed since its last run, a crontab the times that it names."""
    schedule: dict[str, Timing] = {
        "interval": HOUR,
        "crontab": {"minute": "10,50", "hour": "*/6", "day_of_week": "mon-fri"},
    }
    beat, page = scene.beat(schedule)
    with beat:
        scene.eventually(0.0, lambda: page.value(MISSED, entry="crontab"))
    backdate(beat.schedule_path, "interval", timedelta(hours=7, minutes=30))
    backdate(beat.schedule_path, "crontab", timedelta(days=30))
    last = remembered(beat.schedule_path, "crontab")
    with beat:
        run = scene.wait_for_runs("crontab", 1)[0]
        scene.eventually(6.0, lambda: page.value(MISSED, entry="interval"))
        scene.eventually(len(working_times(last, run.at)) - 1.0, lambda: page.value(MISSED, entry="crontab"))


def working_times(after: float, until: float) -> list[datetime]:
    """Ten to and ten past every sixth hour of the working days between two moments, in UTC."""
    first = datetime.fromtimestamp(after, UTC).replace(second=0, microsecond=0)
    minutes = int((until - first.timestamp()) // 60)
    times = [first + timedelta(minutes=number + 1) for number in range(minutes)]
    return [time for time in times if time.minute in {10, 50} and time.hour % 6 == 0 and time.isoweekday() < 6]


def test_a_publish_that_fails_is_missed_and_not_fired(scene: Scene) -> None:
    """While the broker is away the runs that could not be sent are missed; when it is back, the entry fires again."""
    with RedisServer(scene.directory / "own") as redis:
        beat, page = scene.beat({"often": 1.0}, redis=redis)
        with beat:
            scene.wait_for_runs("often", 1)
            redis.kill()
            scene.wait_for_runs("often", 2, sent=False)
            scene.wait_for_agreement(page, "often")
            fired = len(scene.runs("often", sent=True))
            redis.start()
            scene.wait_for_runs("often", fired + 1, sent=True)
            scene.wait_for_agreement(page, "often")
            assert 0.0 == sum(value for _, value in page.labelled(ERRORS))


def test_a_blocked_scheduler_does_not_tick(scene: Scene) -> None:
    """While a publish hangs the last tick stands still, though beat exports; what passed meanwhile was missed."""
    with RedisServer(scene.directory / "own") as redis:
        beat, page = scene.beat({"often": 1.0}, redis=redis)
        with beat:
            scene.wait_for_runs("often", 1)
            redis.process.signal(signal.SIGSTOP)
            wait_until(lambda: time.time() > tick(page) + 4, deadline=30, message="beat ticks without a broker")
            blocked = len(scene.runs("often"))
            redis.process.signal(signal.SIGCONT)
            # The one that hung, and the one after it, which is late.
            scene.wait_for_runs("often", blocked + 2)
            scene.wait_for_agreement(page, "often")
            assert missed(scene.runs("often"), 1.0) >= 2


@pytest.mark.parametrize("hook", BREAKABLE)
def test_a_hook_that_raises_costs_a_number_and_no_run(scene: Scene, hook: str) -> None:
    """Beat sends every run though a hook of ours fails, counts that, and says it in one line."""
    beat, page = scene.beat({"often": 1.0}, env={"BROKEN_HOOK": hook})
    with beat:
        scene.wait_for_runs("often", 3)
        scene.eventually({hook}, lambda: {key["hook"] for key, value in page.labelled(ERRORS) if value})
        assert [True] * 3 == [line.sent for line in scene.runs("often")[:3]]
    assert 1 == beat.log.count(f"celery-otel failed in its hook {hook}")
    assert 1 == beat.log.count("RuntimeError: broken on purpose")


def test_a_port_that_is_taken_costs_no_run(scene: Scene) -> None:
    """A beat that is to serve on its worker's port says what to do, and sends."""
    worker, page = scene.worker()
    with worker:
        beat, _ = scene.beat({"often": 1.0}, env={"OTEL_EXPORTER_PROMETHEUS_PORT": str(page.port)})
        with beat:
            scene.wait_for_runs("often", 2, sent=True)
    assert "its own OTEL_EXPORTER_PROMETHEUS_PORT" in beat.log
