"""The shape of one row of the ledger: an outcome, how it is brought about, and what it must add."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import Stage, Steps
from tests.acceptance.ledger.plan import Plan

#: Attempts of an outcome that costs next to nothing.
MANY = 20
#: Attempts of an outcome that costs seconds each.
FEW = 5


class Phase(IntEnum):
    """When an outcome is played; within a phase all is interleaved."""

    #: While the workers are idle.
    IDLE = 0
    #: With everything else.
    STORM = 1
    #: When everything else is over, because what it leaves behind in Celery would change other outcomes.
    AFTERMATH = 2


Act = Callable[[Stage], Steps]
Expect = Callable[[Conditions], Plan]


def always(_: Conditions) -> bool:
    """An outcome that can be had everywhere."""
    return True


def no_remark(_: Conditions) -> str:
    """An outcome that Celery treats alike everywhere."""
    return ""


@dataclass(frozen=True)
class Outcome:
    """One kind of end, as issue and design name it.

    Attributes:
        name: What the table calls it.
        act: One occurrence, as the driver plays it.
        expect: What one occurrence adds to which series.
        times: How many occurrences a run has.
        possible: Whether it can be had under these conditions without ending the worker.
        remark: What Celery itself does not do under these conditions.
        phase: When it is played: see `Phase`.
    """

    name: str
    act: Act
    expect: Expect
    times: int = MANY
    possible: Callable[[Conditions], bool] = always
    remark: Callable[[Conditions], str] = no_remark
    phase: Phase = Phase.STORM

    def occurrences(self, stage: Stage) -> Iterator[tuple[str, Steps]]:
        """All occurrences of a run, not begun."""
        for _ in range(self.times):
            yield self.name, self.act(stage)


def sending(name: str, *args: object, **options: Any) -> Act:
    """An occurrence that is one message and nothing more."""

    def act(stage: Stage) -> Steps:
        stage.send(name, *args, **options)
        yield from ()

    return act
