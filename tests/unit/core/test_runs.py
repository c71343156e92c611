"""Each run is counted once, when it ends or cannot go on, whatever is lost of its records, and in whichever order."""

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from celery_otel.core import runs
from celery_otel.core.clock import Clock
from celery_otel.core.run import RunRecord
from celery_otel.core.runs import Runs


def record(number: int = 1, *, pid: int = 10, began: float = 1000.0, **known: Any) -> RunRecord:
    """What a run tells that has begun."""
    return replace(RunRecord(f"{number:032x}", "tuning", "grid", pid, began), **known)


def ended(number: int = 1, **known: Any) -> RunRecord:
    """What a run tells at its end."""
    return record(number, **{"seconds": 5.0, "result": "success", **known})


@dataclass
class Life:
    """A table of runs, what it tells, and the processes and the time around it."""

    begun: list[str] = field(default_factory=list)
    ends: list[RunRecord] = field(default_factory=list)
    dead: set[int] = field(default_factory=set)
    now: float = 50.0

    def __post_init__(self) -> None:
        clock = Clock(wall=lambda: 1000.0 + self.now, monotonic=lambda: self.now)
        self.runs = Runs(
            lambda run: self.begun.append(run.id), self.ends.append, lambda pid: lambda: pid in self.dead, clock
        )

    def results(self) -> list[str | None]:
        """How the runs have ended, in that order."""
        return [run.result for run in self.ends]


def test_a_run_ends_with_its_last_record() -> None:
    """What it told before is replaced; it counts once."""
    life = Life()
    for told in (record(), record(iterations=1), record(iterations=2, best_score=0.5), ended(iterations=3)):
        life.runs.take(told)
    assert [ended(iterations=3)] == life.ends
    assert (1, 0) == (len(life.begun), len(life.runs))


def test_an_end_alone_is_enough() -> None:
    """A run whose beginning was lost is counted from its end."""
    life = Life()
    life.runs.take(ended())
    assert [ended()] == life.ends
    assert 1 == len(life.begun)


def test_what_comes_after_the_end_is_ignored() -> None:
    """A late or repeated record opens no run anew and ends none twice."""
    life = Life()
    for told in (record(), ended(), ended(), record(iterations=2)):
        life.runs.take(told)
    assert (["success"], 0) == (life.results(), len(life.runs))


def test_a_run_whose_process_is_gone_has_failed() -> None:
    """It has what it told last, and has run from its beginning until now."""
    life = Life(now=3.0)
    life.runs.take(record(iterations=4, best_score=0.5))
    life.runs.take(record(2, pid=11))
    assert [] == life.runs.gone()
    life.dead, life.now = {10}, 7.0
    life.runs.fail(life.runs.gone())
    assert [record(iterations=4, best_score=0.5, seconds=7.0, result="failure")] == life.ends
    assert 1 == len(life.runs)


def test_an_end_that_was_on_its_way_counts_as_told() -> None:
    """A process that has sent its end and is gone by the time it is read has not failed."""
    life = Life()
    life.runs.take(record())
    life.dead = {10}
    gone = life.runs.gone()
    life.runs.take(ended())
    life.runs.fail(gone)
    assert ["success"] == life.results()


def test_an_end_after_a_kill_changes_nothing() -> None:
    """A child that was killed while it sent its end has been counted already."""
    life = Life()
    life.runs.take(record())
    life.runs.fail(life.runs.of_process(10))
    life.runs.take(ended())
    assert ["failure"] == life.results()


def test_only_the_runs_of_a_killed_process_fail() -> None:
    """Those of other children go on."""
    life = Life()
    for number, pid in ((1, 10), (2, 11), (3, 10)):
        life.runs.take(record(number, pid=pid))
    life.runs.fail(life.runs.of_process(10))
    assert [record(1).id, record(3).id] == [run.id for run in life.ends]
    life.runs.fail_all()
    assert ["failure"] * 3 == life.results()


def test_a_clock_that_is_ahead_gives_no_negative_duration() -> None:
    """A run that says it began in the future has taken the time since its first record."""
    life = Life(now=3.0)
    life.runs.take(record(began=5000.0))
    life.runs.fail_all()
    assert 0.0 == life.ends[0].seconds


def test_a_flood_of_beginnings_ends_the_oldest() -> None:
    """The number of open runs is bounded, since anybody may write into the socket; each is counted all the same."""
    life = Life()
    for number in range(runs.MOST + 3):
        life.runs.take(record(number + 1))
    assert runs.MOST == len(life.runs)
    assert [record(number).id for number in (1, 2, 3)] == [run.id for run in life.ends]


def test_the_ends_of_long_ago_are_forgotten() -> None:
    """So many are remembered, and no more."""
    life = Life()
    for number in range(runs.REMEMBERED + 1):
        life.runs.take(ended(number + 1))
    life.runs.take(ended(runs.REMEMBERED + 1))
    assert runs.REMEMBERED + 1 == len(life.ends)
    life.runs.take(ended(1))
    assert runs.REMEMBERED + 2 == len(life.ends)


STEPS = st.lists(
    st.one_of(
        st.builds(record, st.integers(1, 4), pid=st.integers(10, 12)),
        st.builds(ended, st.integers(1, 4), pid=st.integers(10, 12)),
        st.integers(10, 12),
        st.none(),
    )
)


@given(STEPS)
def test_every_run_ends_exactly_once(steps: list[RunRecord | int | None]) -> None:
    """Records in any order, processes that die, kills and sweeps: every run that was told of ends once."""
    life = Life()
    for step in steps:
        if isinstance(step, RunRecord):
            life.runs.take(step)
        elif step is not None:
            life.dead.add(step)
            life.runs.fail(life.runs.of_process(step))
        else:
            life.runs.fail(life.runs.gone())
    life.runs.fail_all()
    told = {step.id for step in steps if isinstance(step, RunRecord)}
    assert sorted(told) == sorted(run.id for run in life.ends)
    assert sorted(told) == sorted(life.begun)
