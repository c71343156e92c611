"""What workers answer is read as what it is: of any shape, late, and full of what others put into messages."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from celery import Celery
from celery.app.control import Control

from celery_otel.inspection import ARGUMENT, Inspection, WorkerAnswer

NOW = 1_764_000_000.0
SURROGATE = "\ud800"
HUGE = 10**400
Replies = list[dict[str, Any]]

TASK = {
    "id": "t-1",
    "name": "shop.order",
    "args": "(1,)",
    "kwargs": "{}",
    "retries": 1,
    "queue": "celery",
    "time_start": NOW - 1,
    "eta": None,
    "pid": 7,
}
ENDED = {
    "id": "t-0",
    "name": "shop.order",
    "queue": "celery",
    "retries": 0,
    "status": "success",
    "error_type": "",
    "started_at": NOW - 3,
    "ended_at": NOW - 2,
    "runtime": 1.0,
    "trace_id": None,
}


class Room(Control):
    """Answers broadcasts from a script, and ends as kombu's mailbox does: by the callback, or when all have spoken.

    Attributes:
        replies: What comes to each command, in this order.
        late: What comes when it has ended.
    """

    replies: Mapping[str, Replies] = {}
    late: Sequence[dict[str, Any]] = ()

    def broadcast(
        self, command: str, *, limit: int, callback: Callable[[Any], None], destination: Any = None, **how: Any
    ) -> Replies:
        """Gives the replies of those who are asked."""
        assert not limit, "replies are no names: their number must not end the wait"
        assert {"arguments", "connection", "reply", "timeout"} == how.keys()
        for reply in self.replies.get(command, ()):
            if destination is not None and not reply.keys() & set(destination):
                continue
            try:
                callback(reply)
            except TimeoutError:
                self.cancel(callback)
                break
        return []

    def cancel(self, callback: Callable[[Any], None]) -> None:
        """Has one more reply, as AMQP may while a consumer is cancelled: nobody catches anything there."""
        for reply in self.late:
            callback(reply)


def room(**replies: Replies) -> Inspection:
    """One who asks where these replies come."""
    return Inspection(app_of(replies), wall=lambda: NOW)


def app_of(replies: Mapping[str, Replies]) -> Celery:
    """An application whose workers reply so."""
    made = type("Scripted", (Room,), {"replies": replies})
    return Celery("shop", broker="memory://", control=made, set_as_current=False)


def ask(inspection: Inspection, *expected: str) -> dict[str, WorkerAnswer]:
    """The answers by name."""
    connection: Any = None
    answers = inspection.ask(connection, timeout=1.0, expected=expected, since={})
    return {answer.name: answer for answer in answers}


def report(**told: Any) -> dict[str, Any]:
    """The report of an instrumented worker."""
    about: dict[str, Any] = {
        "version": "0.1.0",
        "celery": "5.5.0",
        "python": "3.11.0",
        "worker_name": "",
        "now": NOW + 5,
        "pid": 1,
        "uptime": 10.0,
        "remembers_revokes": False,
        "settings": {},
        "pool": {"kind": "prefork", "max_concurrency": 4},
        "queues": ["celery"],
        "busy": 1,
        "prefetch_count": 0,
        "prefetch_limit": 16,
        "active": [TASK],
        "reserved": [],
        "scheduled": [],
        "counts": {"active": 1, "reserved": 0, "scheduled": 0},
        "ended": [ENDED],
    }
    return {**about, **told}


def pong(name: str, told: Any = None) -> dict[str, Any]:
    """A reply to the ping, with a report or without."""
    return {name: {"ok": "pong"} if told is None else {"ok": "pong", ARGUMENT: told}}


def test_a_report_is_read() -> None:
    """What an instrumented worker tells is what is known of it."""
    found = ask(room(ping=[pong("w@a", report())]))["w@a"]
    assert (True, 4, 1, 0, 5.0) == (
        found.instrumented,
        found.max_concurrency,
        found.busy,
        found.prefetch_count,
        found.clock_difference,
    )
    assert ("t-1", NOW - 1, 1) == (found.tasks[0].task_id, found.tasks[0].time_start, found.tasks[0].retries)
    assert ("t-0", NOW - 2, None) == (found.ended[0].task_id, found.ended[0].ended_at, found.ended[0].trace_id)


@pytest.mark.parametrize("answer", [{"error": "broken on purpose"}, "no", 7, None, ["x", None, 3], [{"request": 1}]])
def test_an_answer_of_another_shape_breaks_nothing(answer: Any) -> None:
    """Celery answers {"error": …} when a command fails; whatever comes, the other worker is there."""
    commands = ("active", "reserved", "scheduled", "stats", "active_queues")
    found = ask(
        room(ping=[pong("bare@a"), pong("w@a", report())], **{command: [{"bare@a": answer}] for command in commands})
    )
    assert {"bare@a": False, "w@a": True} == {name: told.instrumented for name, told in found.items()}


def test_what_a_bare_worker_did_not_tell_is_not_known() -> None:
    """It is None, not 0, and what it did tell counts."""
    replies: dict[str, Replies] = {
        "ping": [pong("bare@a")],
        "active": [{"bare@a": {"error": "broken"}}],
        "reserved": [{"bare@a": [{"id": "t", "name": "n", "delivery_info": None}]}],
    }
    found = ask(room(**replies))["bare@a"]
    assert (None, None, None, {"reserved": 1}) == (
        found.busy,
        found.max_concurrency,
        found.prefetch_count,
        found.counts,
    )
    all_told = {**replies, "active": [{"bare@a": []}], "scheduled": [{"bare@a": []}]}
    full = ask(room(**all_told, stats=[{"bare@a": {"pool": {"max-concurrency": 3}}}]))["bare@a"]
    assert (0, 3, 1) == (full.busy, full.max_concurrency, full.prefetch_count)


LACKING = {key: value for key, value in report().items() if key != "pool"}


@pytest.mark.parametrize(
    "told", [LACKING, report(pool=None), report(now="noon"), report(counts=[]), report(active=[1]), report(ended=[{}])]
)
def test_a_report_of_another_version_takes_no_other_with_it(told: Any, caplog: pytest.LogCaptureFixture) -> None:
    """That worker is asked like one without celery-otel, and one line of the log says so."""
    inspection = room(ping=[pong("new@a", told), pong("w@a", report())], active=[{"new@a": []}])
    with caplog.at_level(logging.WARNING, "celery_otel"):
        found = [ask(inspection), ask(inspection)][-1]
    assert (False, 0, True) == (found["new@a"].instrumented, found["new@a"].busy, found["w@a"].instrumented)
    (line,) = caplog.messages
    assert "new@a" in line


def test_hostile_values_are_cleaned() -> None:
    """Texts can be written as UTF-8 and are short, counts are counts, times are finite."""
    texts = dict.fromkeys(("id", "name", "queue", "args", "kwargs"), SURROGATE * 2000)
    task = {**TASK, **texts, "retries": "x", "eta": HUGE, "time_start": float("nan"), "pid": -1}
    done = {**ENDED, **texts, "error_type": SURROGATE, "retries": HUGE, "started_at": "x", "runtime": float("inf")}
    told = ask(room(ping=[pong("w@a", report(active=[task], ended=[done]))]))["w@a"]
    (held,), (ended,) = told.tasks, told.ended
    for text in (held.task_id, held.task_name, held.queue, held.args, held.kwargs, ended.task_id, ended.error_type):
        assert "\\ud800" == text.encode().decode()[:6]
        assert len(text) <= 1024
    assert (0, None, None, 0) == (held.retries, held.eta, held.time_start, held.pid)
    assert (2**31, None, None) == (ended.retries, ended.started_at, ended.runtime)


def test_hostile_values_of_a_bare_worker_are_cleaned() -> None:
    """Celery's commands give the arguments themselves."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    task = {"id": SURROGATE, "name": 7, "args": [SURROGATE], "kwargs": deep, "time_start": HUGE, "worker_pid": "x"}
    task["delivery_info"] = {"routing_key": SURROGATE}
    (held,) = ask(room(ping=[pong("bare@a")], active=[{"bare@a": [task]}]))["bare@a"].tasks
    assert ("\\ud800", "7", "\\ud800", None, None) == (
        held.task_id,
        held.task_name,
        held.queue,
        held.time_start,
        held.pid,
    )
    assert ("['\\ud800']", "<list>") == (held.args, held.kwargs)


def test_the_wait_ends_with_names_and_not_with_their_number() -> None:
    """A worker that is new and answers first does not push out one that is expected."""
    inspection = room(ping=[pong("new@a", report()), pong("w@a", report()), pong("late@a", report())])
    assert ["new@a", "w@a"] == sorted(ask(inspection, "w@a"))
    assert ["late@a", "new@a", "w@a"] == sorted(ask(inspection)), "nobody is expected: all are waited for"
    assert ["late@a", "new@a", "w@a"] == sorted(ask(inspection, "w@a", "gone@a"))


def test_a_command_ends_with_names_too() -> None:
    """Whoever answers a revoke first does not end it for the one that has the task."""
    connection: Any = None
    inspection = room(revoke=[{"new@a": "no"}, {"w@a": "ok"}, {"late@a": "no"}])
    assert {"new@a": "no", "w@a": "ok"} == inspection.command("revoke", connection, timeout=1.0, expected=["w@a"])


def test_a_reply_after_the_end_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes while the consumer is cancelled is taken too."""
    monkeypatch.setattr(Room, "late", [pong("late@a", report())])
    assert ["late@a", "w@a"] == sorted(ask(room(ping=[pong("w@a", report())]), "w@a"))


def test_of_two_under_one_name_the_first_counts() -> None:
    """A second reply changes nothing."""
    first, second = report(busy=1), report(busy=2)
    assert 1 == ask(room(ping=[pong("w@a", first), pong("w@a", second)]))["w@a"].busy
