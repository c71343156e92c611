"""What a worker's state keeps, and when a new snapshot of it is written."""

from pathlib import Path

import pytest

from celery_otel import names
from celery_otel.core.outcome import SUCCESS, Outcome, Status
from celery_otel.core.run import TRAINING, RunRecord
from celery_otel.metric import Metric
from celery_otel.state import state as module
from celery_otel.state.directory import StateDirectory
from tests.unit.state.lives import DeadError, Life, files, held, numbers


def labels_of(metric: Metric) -> tuple[str, ...]:
    """Some labels of a metric; not plain ones."""
    return tuple(f'{label}"|\n\u20ac\ud7ff' for label in metric.labels)


def test_every_table_survives(path: Path) -> None:
    """A series of every counter and histogram is there in the next life, to the last bit of its sum."""
    life = Life(path)
    for metric in names.METRICS:
        if metric.kind == "counter":
            life.ledger.count(metric, *labels_of(metric), amount=2**60)
        elif metric.kind == "histogram":
            for value in (0.1, 0.2, 1e300):
                life.counts._histograms[metric].record(value, *labels_of(metric))  # noqa: SLF001  # each, whatever feeds it
    before = numbers(life.ledger.read())
    life.state.begin()
    life.kill()
    again = Life(path)
    assert before == numbers(again.ledger.read())
    assert 2 * len(before) > len(names.METRICS)
    again.kill()


def test_what_was_open_is_returned_as_killed(path: Path) -> None:
    """What ran and what waited is returned in the next life, once, and the equation holds over both."""
    life = Life(path)
    ended, running, _ = (life.receive(number=number) for number in range(3))
    for attempt in (ended, running):
        life.ledger.start(attempt, 1000.0)
    life.ledger.end(ended, SUCCESS, 1.0)
    life.kill()
    for _ in range(2):
        again = Life(path)
        read = again.ledger.read()
        assert {("a",): 3} == read[names.TASK_RECEIVED]
        assert {("a", "success"): 1} == read[names.TASK_TOTAL]
        assert 2 == read[names.TASK_RETURNED]["a", "killed"]
        assert 0 == held(read)
        again.kill()


def test_a_run_that_was_open_has_failed(path: Path) -> None:
    """A training whose worker is killed counts as a failure in the next life, once."""
    life = Life(path)
    life.ledger.begin_run(RunRecord.begun(TRAINING, "forest", 1000.0))
    life.kill()
    for _ in range(2):
        again = Life(path)
        assert {("forest", "success"): 0, ("forest", "failure"): 1} == again.ledger.read()[names.TRAINING_RUNS]
        again.kill()


def test_a_second_start_is_known_in_the_next_life(path: Path) -> None:
    """An attempt that ended in one life and starts again in the next is a duplicate; one that was killed is none."""
    life = Life(path)
    ended, killed = life.receive(number=1), life.receive(number=2)
    for attempt in (ended, killed):
        life.ledger.start(attempt, 1000.0)
    life.ledger.end(ended, SUCCESS, 1.0)
    life.kill()
    again = Life(path)
    for number in (1, 2):
        again.ledger.start(again.receive(number=number), 1000.0)
    assert {("a",): 1} == again.ledger.read()[names.TASK_DUPLICATES]
    again.kill()


def test_labels_stay_bounded_over_lives(path: Path) -> None:
    """A life may add as many values as the limit says; those of lives before count for no more than that again."""
    for life, kinds in enumerate((["One", "Two"], ["Three", "One"], ["Four"])):
        worker = Life(path)
        for number, kind in enumerate(kinds):
            worker.ledger.end(worker.receive(number=10 * life + number), Outcome(Status.FAILURE, detail=kind))
        read = worker.ledger.read()
        worker.kill()
    counted = {"One": 2, "Two": 1, "Three": 1, "Four": 1}
    assert {("a", kind): number for kind, number in counted.items()} == read[names.TASK_FAILURES]
    worker = Life(path)
    worker.ledger.end(worker.receive(number=99), Outcome(Status.FAILURE, detail="Five"))
    assert 1 == worker.ledger.read()[names.TASK_FAILURES]["a", "_OTHER"]
    worker.kill()


def test_series_begin_when_they_were_first_exported(path: Path) -> None:
    """Kept series have one beginning over all lives; what is not kept has none to be known."""
    life = Life(path)
    life.receive()
    life.state.births.note(names.TASK_RECEIVED, ("a",), 1001)
    life.state.births.note(names.CELERY_OTEL_SPANS_EXPORTED, (), 1001)
    life.kill()
    again = Life(path)
    again.kill()
    third = Life(path)
    assert 1001 == third.state.births.known(names.TASK_RECEIVED, ("a",))
    assert third.state.births.known(names.CELERY_OTEL_SPANS_EXPORTED, ()) is None
    third.kill()


def test_a_series_that_was_never_exported_begins_with_the_life_that_exports_it(path: Path) -> None:
    """What a life counted that was killed before its next export is an increase: it has no beginning yet."""
    life = Life(path)
    life.state.births.note(names.TASK_UNKNOWN, (), 1001)
    life.receive()
    life.kill()
    again = Life(path)
    assert (1001, None) == (
        again.state.births.known(names.TASK_UNKNOWN, ()),
        again.state.births.known(names.TASK_RECEIVED, ("a",)),
    )
    again.kill()


def test_a_long_log_is_replaced_by_a_snapshot(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log begins anew when it is long, and nothing else is left of the generations before."""
    monkeypatch.setattr(module, "DUE", 1000)
    life = Life(path)
    life.state.tend()
    assert ["1.log", "1.snapshot", "lock"] == files(path)
    while (path / "1.log").stat().st_size < max(1000, (path / "1.snapshot").stat().st_size):
        life.ledger.end(life.receive(), SUCCESS)
    life.state.tend()
    assert ["2.log", "2.snapshot", "lock"] == files(path)
    before = numbers(life.ledger.read())
    life.kill()
    again = Life(path)
    assert before == numbers(again.ledger.read())
    again.kill()


def test_a_log_does_not_wait_for_ever_for_an_export(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody reads, the log is replaced all the same before it fills the disk."""
    monkeypatch.setattr(module, "TOO_LONG", 1000)
    life = Life(path)
    for _ in range(100):
        life.ledger.end(life.receive(), SUCCESS)
    assert sum(file.stat().st_size for file in path.glob("*.log")) < 2000
    before = numbers(life.ledger.read())
    life.kill()
    again = Life(path)
    assert before == numbers(again.ledger.read())
    again.kill()


class DeadlyDirectory(StateDirectory):
    """A directory where nobody lives to write the second snapshot."""

    def write_snapshot(self, generation: int, snapshot: bytes) -> None:
        """Writes the first one."""
        if generation > 1:
            raise DeadError
        super().write_snapshot(generation, snapshot)


def test_a_snapshot_that_was_not_finished_is_not_missed(path: Path) -> None:
    """Killed between the new log and its snapshot, a worker has the snapshot before and both logs."""
    life = Life(path, directory=DeadlyDirectory(path))
    life.ledger.count(names.TASK_UNKNOWN)
    with pytest.raises(DeadError):
        life.state.begin()
    life.ledger.count(names.TASK_UNKNOWN)
    assert ["1.log", "1.snapshot", "2.log", "lock"] == files(path)
    life.kill()
    again = Life(path)
    assert {(): 2} == again.ledger.read()[names.TASK_UNKNOWN]
    again.kill()
