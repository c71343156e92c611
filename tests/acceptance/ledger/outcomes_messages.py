"""Outcomes that the message decides: when it may run, whether it may run, whether it is a task at all."""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import Stage, Steps
from tests.acceptance.ledger.outcome import MANY, Act, Expect, Outcome, Phase
from tests.acceptance.ledger.plan import Plan, count, ended, multiplied, ran, total

#: How long an ETA lies ahead that something must happen to first, in seconds.
AHEAD = 8.0
#: An ETA that no clock can show in another time zone.
IMPOSSIBLE_ETA = "9999-12-31T23:59:59-12:00"


class TooSlowError(AssertionError):
    """The machine was too slow for the moment that was to be tested; the run says nothing."""


def _never_ran(task: str, cause: str, times: int = 1) -> Expect:
    def expect(_: Conditions) -> Plan:
        return multiplied(ended(task, "revoked", cause), times)

    return expect


def _revoked(stage: Stage) -> Steps:
    stage.send("ledger.revoked", task_id=stage.revoked_ahead.pop())
    yield from ()


def _revoked_eta(stage: Stage) -> Steps:
    """Send them all, see them wait in the workers, revoke them all before they are due."""
    due = time.monotonic() + AHEAD
    ids = [stage.send("ledger.revoked_eta", countdown=AHEAD) for _ in range(MANY)]
    yield lambda: stage.waiting(ids)
    stage.confirmed("revoke", task_id=ids)
    if time.monotonic() > due:
        raise TooSlowError(
            f"revoking {MANY} tasks took longer than their ETA of {AHEAD} s: run again on an idle machine"
        )


def _expired(stage: Stage) -> Steps:
    stage.send_as_written("ledger.expired", expires=datetime.now(UTC) - timedelta(seconds=60))
    yield from ()


def _expired_waiting(stage: Stage) -> Steps:
    """Due in 3 s, worthless after 1: the worker holds it in between."""
    now = datetime.now(UTC)
    eta, expires = now + timedelta(seconds=3), now + timedelta(seconds=1)
    stage.send_as_written("ledger.expired_waiting", eta=eta, expires=expires)
    yield from ()


def _delayed(stage: Stage) -> Steps:
    stage.send("ledger.delayed", countdown=1.5)
    stage.send("ledger.delayed", eta=datetime.now(UTC) + timedelta(seconds=2))
    yield from ()


def _bad_eta(stage: Stage) -> Steps:
    stage.send_as_written("ledger.bad_eta", eta=IMPOSSIBLE_ETA)
    yield from ()


def _bad_eta_plan(conditions: Conditions) -> Plan:
    """Before 5.7 Celery rejects the message and runs the task all the same."""
    if conditions.celery < (5, 7):
        return ran("ledger.bad_eta", conditions.queue, "success")
    return ended("ledger.bad_eta", "failure", "OverflowError")


def _bad_eta_remark(conditions: Conditions) -> str:
    return "before 5.7 Celery rejects the message and runs the task" if conditions.celery < (5, 7) else ""


def _unknown(stage: Stage) -> Steps:
    stage.send("ledger.not_registered")
    yield from ()


def _message(body: str | bytes, content_type: str = "application/json", **headers: object) -> Act:
    """A message written by hand; each gets an id of its own."""

    def act(stage: Stage) -> Steps:
        identity = {"id": str(uuid.uuid4()), "lang": "py"} if headers else {}
        stage.publish(body, content_type, {**headers, **identity})
        yield from ()

    return act


def _refused(reason: str) -> Expect:
    def expect(_: Conditions) -> Plan:
        return count("celery_messages_invalid_total", reason=reason)

    return expect


def _unknown_plan(_: Conditions) -> Plan:
    return count("celery_task_unknown_total")


EMPTY_CALL = json.dumps([[], {}, {}])

MESSAGES = (
    Outcome("revoked before start", _revoked, _never_ran("ledger.revoked", "revoked")),
    Outcome(
        f"revoked while ETA waits ({MANY} at once)",
        _revoked_eta,
        _never_ran("ledger.revoked_eta", "revoked", MANY),
        times=1,
        phase=Phase.IDLE,
    ),
    Outcome("expired", _expired, _never_ran("ledger.expired", "expired")),
    Outcome("expired while ETA waits", _expired_waiting, _never_ran("ledger.expired_waiting", "expired")),
    Outcome(
        "ETA and countdown",
        _delayed,
        lambda conditions: total(*[ran("ledger.delayed", conditions.queue, "success", eta=True)] * 2),
    ),
    Outcome("ETA that cannot be converted", _bad_eta, _bad_eta_plan, remark=_bad_eta_remark),
    Outcome("unknown task", _unknown, _unknown_plan),
    Outcome("message that is no task", _message(json.dumps({"hello": 1})), _refused("unknown_format")),
    Outcome(
        "message with an invalid ETA",
        _message(EMPTY_CALL, task="ledger.invalid", eta="tomorrow"),
        _refused("invalid"),
    ),
    Outcome(
        "message of a type not accepted",
        _message(EMPTY_CALL, "application/x-python-serialize", task="ledger.invalid"),
        _refused("content_disallowed"),
    ),
    Outcome("undecodable body", _message("{{{", task="ledger.invalid"), _refused("undecodable")),
)
