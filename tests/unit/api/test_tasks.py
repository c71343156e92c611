"""`GET tasks/status` on snapshots that are made here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from celery_otel.inspection import WorkerAnswer
from celery_otel_api.fleet import Member, Presence
from celery_otel_api.snapshot import Snapshot
from celery_otel_api.tasks import OPERATIONS
from tests.unit.api.service import NOW, Caller, answer, held, member, reads_only, serving, snapshot_of

PATH = "/api/v1/celery/tasks/status"
TASKS = (
    held("a", name="shop.add"),
    held("b", name="shop.train", queue="slow"),
    held("c", "reserved", name="shop.train", queue="slow"),
    held("d", "scheduled", name="shop.add"),
)
OTHER = answer(held("e", worker="x@b", name="shop.add"), name="x@b")


@contextmanager
def asked(*members: Member) -> Iterator[Caller]:
    """The service on what these workers said."""
    snapshot = snapshot_of(*members)
    with serving(OPERATIONS, lambda: snapshot) as client:
        yield client


def ids(body: dict[str, Any]) -> list[str]:
    """The ids of all lists of a body."""
    lists = (body["active_tasks"], body["reserved_tasks"], body["scheduled_tasks"])
    return [task["task_id"] for tasks in lists for task in tasks]


def test_the_answer_is_that_of_the_guide() -> None:
    """Every field of the guide is there, with its meaning, and the age is in body and header."""
    with asked(member(answer(*TASKS)), member(OTHER)) as client:
        found = client.get(PATH)
    body = found.json()
    assert "2026-01-02T10:30:00.000Z" == body["timestamp"]
    assert {"active": 3, "reserved": 1, "scheduled": 1, "total_pending": 5} == body["summary"]
    entry = {"worker": "w@a", "task_id": "a", "task_name": "shop.add", "time_start": NOW}
    assert entry == {key: body["active_tasks"][0][key] for key in entry}
    assert ["w@a", "x@b"] == body["workers"]
    assert "0" == found.headers["Age"]
    assert 0 <= body["snapshot_age_seconds"] < 60
    assert body["complete"]


@pytest.mark.parametrize(
    ("query", "expected", "total"),
    [
        ({"task_name": "shop.train"}, ["b", "c"], 2),
        ({"task_name": "shop.*"}, ["a", "b", "e", "c", "d"], 5),
        ({"worker": "x@b"}, ["e"], 1),
        ({"queue": "slow"}, ["b", "c"], 2),
        ({"state": "scheduled"}, ["d"], 1),
        ({"state": "active", "worker": "w@a", "task_name": "shop.train"}, ["b"], 1),
        ({"worker": "nobody"}, [], 0),
    ],
)
def test_filters_choose(query: dict[str, str], expected: list[str], total: int) -> None:
    """Tasks are chosen by name, worker, queue and state, and the summary counts those."""
    with asked(member(answer(*TASKS)), member(OTHER)) as client:
        body = client.get(PATH, params=query).json()
    assert expected == ids(body)
    assert total == body["summary"]["total_pending"]


def test_pages_follow_each_other() -> None:
    """The cursor of a page leads to the next one, and the summary is that of all of them."""
    with asked(member(answer(*TASKS)), member(OTHER)) as client:
        first = client.get(PATH, params={"limit": 3}).json()
        second = client.get(PATH, params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert (["a", "b", "c"], ["e", "d"]) == (ids(first), ids(second))
    assert 5 == first["summary"]["total_pending"] == second["summary"]["total_pending"]
    assert second["next_cursor"] is None


def test_arguments_need_the_scope_for_results() -> None:
    """A caller who may only read sees no arguments, also after one who may has asked for the same page."""
    snapshot = snapshot_of(member(answer(*TASKS)))
    with serving(OPERATIONS, lambda: snapshot) as client:
        assert "(1, 2)" == client.get(PATH).json()["active_tasks"][0]["args"]
    with serving(OPERATIONS, lambda: snapshot, reads_only) as client:
        entry = client.get(PATH).json()["active_tasks"][0]
    assert (None, None) == (entry["args"], entry["kwargs"])


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 1001}, {"cursor": "made up"}, {"state": "queued"}, {"wroker": "w@a"}]
)
def test_wrong_parameters_are_named(query: dict[str, object]) -> None:
    """A parameter that cannot be used, or is not known, is a problem that names it."""
    with asked(member(answer())) as client:
        found = client.get(PATH, params=query)
    assert 422 == found.status_code
    assert list(query) == [one["name"] for one in found.json()["invalid_parameters"]]


def test_workers_that_do_not_answer_are_named() -> None:
    """Silent and offline workers are listed, and what they said earlier is not what they do now."""
    quiet = member(OTHER, Presence.SILENT, 3.0)
    gone = member(answer(held("z", worker="y@c"), name="y@c"), Presence.OFFLINE, 90.0)
    with asked(member(answer(*TASKS)), quiet, gone) as client:
        body = client.get(PATH).json()
    assert (["w@a"], ["x@b"], ["y@c"]) == (body["workers"], body["silent_workers"], body["offline_workers"])
    assert 4 == body["summary"]["total_pending"]


def test_without_a_broker_nothing_is_known() -> None:
    """With the broker away the answer is null and the reason, not zero."""
    away = Snapshot(
        NOW, broker_connected=False, reason="It is away.", members=(member(answer(*TASKS), Presence.UNKNOWN, 1.0),)
    )
    with serving(OPERATIONS, lambda: away) as client:
        found = client.get(PATH)
    body = found.json()
    assert 200 == found.status_code
    assert (False, "It is away.", ["w@a"]) == (body["broker_connected"], body["reason"], body["unknown_workers"])
    assert {"active": None, "reserved": None, "scheduled": None, "total_pending": None} == body["summary"]


def test_what_a_worker_could_not_tell_is_counted() -> None:
    """The summary has the worker's own number where it holds more than it tells, and the answer says so."""
    with asked(member(answer(*TASKS, more=10))) as client:
        body = client.get(PATH).json()
    assert (12, False) == (body["summary"]["active"], body["complete"])


def test_a_page_of_everything_is_serialised_once() -> None:
    """The same page of the same snapshot is made once, whoever asks."""
    snapshot = snapshot_of(member(answer(*TASKS)))
    with serving(OPERATIONS, lambda: snapshot) as client:
        client.get(PATH)
        first = snapshot.rendered["tasks/status"]["", 100, True]
        client.get(PATH)
    assert first is snapshot.rendered["tasks/status"]["", 100, True]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {"active": None, "reserved": 1, "scheduled": None, "total_pending": None}),
        ({"task_name": "shop.*"}, {"active": None, "reserved": 1, "scheduled": None, "total_pending": None}),
        ({"state": "reserved"}, {"active": 0, "reserved": 1, "scheduled": 0, "total_pending": 1}),
        ({"worker": "w@a"}, {"active": 2, "reserved": 1, "scheduled": 1, "total_pending": 4}),
    ],
)
def test_what_a_worker_did_not_tell_is_null(query: dict[str, str], expected: dict[str, int | None]) -> None:
    """The list is not complete then, and nobody claims a number."""
    mute = WorkerAnswer("mute@c", instrumented=False, busy=None, counts={"reserved": 0})
    with asked(member(answer(*TASKS)), member(mute)) as client:
        body = client.get(PATH, query).json()
    assert not body["complete"]
    assert expected == body["summary"]
