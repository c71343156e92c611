"""Whether a task that was terminated has ended."""

import pytest

from celery_otel.inspection import EndedTask, WorkerAnswer
from celery_otel_api.revocation import Order, verdict
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
