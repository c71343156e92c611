"""Whether a task that was terminated has ended, and what is known when the broker goes away meanwhile."""

from typing import NoReturn

import pytest

from celery_otel.inspection import EndedTask, WorkerAnswer
from celery_otel_api.errors import RevokeUnknownError
from celery_otel_api.revocation import Answered, Order, Revoker, verdict
from tests.unit.api.scripted import Time, scripted_app
from tests.unit.api.service import NOW, ended, held


def order(*before: EndedTask) -> Order:
    """A task to be terminated, with its attempts that had ended before."""
    return Order("t", terminate=True, signal="SIGTERM", expected=["w@a"], holders=["w@a"], ended=before)


def said(*states: str, ring: tuple[EndedTask, ...] = (), instrumented: bool = True) -> WorkerAnswer:
    """What the worker answers that holds the task in these states."""
    return WorkerAnswer("w@a", instrumented, tasks=tuple(held("t", state) for state in states), ended=ring)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([said("active")], None),
        ([said()], None),
        ([said(ring=(ended("t", "revoked", "terminated"),))], True),
        ([said(ring=(ended("t", "success"),))], True),
        ([said("scheduled", ring=(ended("t", "retry"),))], False),
        ([said("reserved")], False),
        ([said(ring=(ended("other"),))], None),
        ([said(instrumented=False)], True),
        ([said("active", instrumented=False)], None),
        ([], None),
    ],
)
def test_an_end_is_noted_by_the_worker(answers: list[WorkerAnswer], *, expected: bool | None) -> None:
    """An instrumented worker has to have noted the end; of another one it is enough that it has the task no more."""
    assert expected is verdict(order(), ["w@a"], answers)


def test_an_end_of_before_is_no_end_of_now() -> None:
    """A task that is delivered a second time has not ended because its first attempt has."""
    before = ended("t", "success", at=NOW - 60)
    assert verdict(order(before), ["w@a"], [said("active", ring=(before,))]) is None


def away() -> NoReturn:
    """The broker stops."""
    raise ConnectionResetError("reset")


def test_a_confirmation_outlives_the_broker() -> None:
    """When the broker goes away during the wait for the end, the revoke is confirmed, and its end not seen."""
    app, _ = scripted_app(lambda command: [{"w@a": {"ok": "terminate: t"}}] if command == "revoke" else away())
    assert Answered(("w@a",), {}, ("w@a",), terminated=False) == Revoker(app, 1.0, 5.0)(order())


def test_a_broker_that_goes_away_during_the_request_leaves_it_unknown() -> None:
    """The request may be out already: that is not the error of a broker that was away before."""
    app, _ = scripted_app(lambda _: away())
    with pytest.raises(RevokeUnknownError, match="reset"):
        Revoker(app, 1.0, 5.0)(order())


def test_the_workers_are_not_asked_all_the_time() -> None:
    """While a task takes its time to end, its worker is asked for its report at most twice a second."""
    time = Time()
    app, sent = scripted_app(lambda command: [{"w@a": {"ok": "terminate: t"}}] if command == "revoke" else [])
    answered = Revoker(app, 1.0, 5.0, time, time.sleep)(order())
    assert (False, 1, 10) == (answered.terminated, sent.count("revoke"), sent.count("ping"))
