"""What the page is told of a snapshot."""

import pytest
from celery import Celery

from celery_otel.inspection import EndedTask, HeldTask, WorkerAnswer
from celery_otel_api.fleet import Member, Presence
from celery_otel_api.live_schemas import Live
from celery_otel_api.live_view import live_view
from celery_otel_api.settings import ApiSettings
from celery_otel_api.snapshot import Snapshot

NOW = 1_800_000_000.0
AHEAD = 100.0
"""How far the worker's clock is ahead of ours."""


def _held(task_id: str, state: str, time_start: float | None = None) -> HeldTask:
    return HeldTask("w@h", task_id, "shop.hold", state, "celery", time_start)


def _ended(task_id: str, status: str, ended_at: float = NOW + AHEAD) -> EndedTask:
    return EndedTask(
        "w@h", task_id, "shop.fail", status, "ValueError", "celery", 0, ended_at - 2, ended_at, 2.0, "ab" * 16
    )


def _answer(*tasks: HeldTask) -> WorkerAnswer:
    counts = {state: sum(task.state == state for task in tasks) for state in ("active", "reserved", "scheduled")}
    return WorkerAnswer(
        "w@h",
        instrumented=True,
        pool="prefork",
        max_concurrency=4,
        busy=counts["active"],
        prefetch_count=counts["reserved"] + counts["scheduled"],
        queues=("celery",),
        clock_difference=AHEAD,
        tasks=tasks,
        counts=counts,
    )


def _snapshot(*tasks: HeldTask, presence: Presence = Presence.ONLINE, ended: tuple[EndedTask, ...] = ()) -> Snapshot:
    member = Member("w@h", presence, 7.0, _answer(*tasks))
    return Snapshot(NOW, broker_connected=presence is not Presence.UNKNOWN, members=(member,), ended=ended)


def _live(snapshot: Snapshot, **settings: object) -> Live:
    return live_view(snapshot, Celery("shop", set_as_current=False), ApiSettings.read(**settings))


def test_a_task_runs_for_as_long_as_by_its_workers_clock() -> None:
    """A clock that is ahead does not make tasks look older."""
    live = _live(_snapshot(_held("a", "active", NOW + AHEAD - 12)))
    assert [12.0] == [task.running_seconds for task in live.running]


def test_the_longest_comes_first() -> None:
    """Of the tasks that run, the one that has run longest is the first."""
    live = _live(_snapshot(_held("young", "active", NOW), _held("old", "active", NOW - 50), _held("next", "reserved")))
    assert ["old", "young"] == [task.task_id for task in live.running]


def test_the_summary_counts_each_state() -> None:
    """Tasks are counted by state, and all together."""
    live = _live(_snapshot(_held("a", "active", NOW), _held("b", "reserved"), _held("c", "scheduled")))
    assert live.summary is not None
    assert (1, 1, 1, 3) == tuple(live.summary.model_dump().values())


def test_only_failures_are_told_with_how_long_ago() -> None:
    """Of the attempts that ended, those that failed or were rejected are told, by the clock of their worker."""
    ended = (_ended("a", "failure", NOW + AHEAD - 30), _ended("b", "success"), _ended("c", "rejected"))
    live = _live(_snapshot(ended=ended))
    assert [("a", 30.0), ("c", 0.0)] == [(one.task_id, one.ended_seconds_ago) for one in live.failures]


@pytest.mark.parametrize("presence", [Presence.SILENT, Presence.OFFLINE])
def test_of_a_worker_that_does_not_answer_the_old_numbers_are_not_told(presence: Presence) -> None:
    """Its pool is known from before; what it does now is not."""
    worker = _live(_snapshot(_held("a", "active", NOW), presence=presence)).workers[0]
    assert worker.pool is not None
    assert (str(presence), 7.0, 4, None, None) == (
        worker.status,
        worker.since_seconds,
        worker.pool.max_concurrency,
        worker.pool.busy_workers,
        worker.prefetch_count,
    )


def test_without_the_broker_nothing_is_zero() -> None:
    """Numbers that could not be asked for are missing."""
    live = _live(_snapshot(presence=Presence.UNKNOWN))
    assert (None, [], "unknown") == (live.summary, live.running, live.workers[0].status)


def test_links_have_no_passwords() -> None:
    """A password in the address of Jaeger or Grafana does not reach the page."""
    links = _live(_snapshot(), jaeger_url="http://jaeger:16686/ui/", grafana_url="https://me:secret@grafana/d/x").links
    assert ("http://jaeger:16686/ui", "https://grafana/d/x") == (links.jaeger, links.grafana)


def test_there_may_be_no_links() -> None:
    """Without Jaeger and Grafana there are none."""
    links = _live(_snapshot()).links
    assert (None, None) == (links.jaeger, links.grafana)


def test_what_a_worker_did_not_tell_is_null() -> None:
    """A pool without numbers is shown as such, and the sums are not known."""
    mute = WorkerAnswer("w@h", instrumented=False, max_concurrency=None, busy=None, counts={"reserved": 2})
    live = _live(Snapshot(NOW, broker_connected=True, members=(Member("w@h", Presence.ONLINE, 0.0, mute),)))
    assert live.workers[0].pool is not None
    assert (None, None) == (live.workers[0].pool.max_concurrency, live.workers[0].pool.busy_workers)
    assert live.summary is not None
    assert (None, 2, None) == (live.summary.active, live.summary.reserved, live.summary.total_pending)
