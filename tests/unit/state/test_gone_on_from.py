"""When a worker goes on from the counts of the one before, and when it begins anew."""

import os
import time
from pathlib import Path

import pytest

from celery_otel import names
from celery_otel.state import state as module
from tests.unit.state.lives import DeadError, Life, Time, files


def _now() -> Time:
    """The real time, at which files are written."""
    made = Time()
    made.now = time.time()
    return made


def test_a_worker_that_comes_soon_goes_on_from_what_was_delivered(path: Path) -> None:
    """The last export may not have been scraped: a series that begins at 0 at once would hide it."""
    moment = _now()
    life = Life(path, moment)
    life.ledger.count(names.TASK_UNKNOWN)
    life.state.close(delivered=True)
    life.state.tend()
    assert ["2.snapshot", "lock"] == files(path)
    moment.now += module.SOON - 60
    again = Life(path, moment)
    assert {(): 1} == again.ledger.read()[names.TASK_UNKNOWN]
    again.kill()


@pytest.mark.parametrize(("delivered", "found"), [(True, 0), (False, 1)])
def test_a_worker_that_comes_late_goes_on_from_what_nobody_took(
    path: Path,
    delivered: bool,  # noqa: FBT001  # pytest's parameter
    found: int,
) -> None:
    """What was delivered has ended by then, and the next life begins anew; nothing is complained of in either case."""
    moment = _now()
    life = Life(path, moment)
    life.ledger.count(names.TASK_UNKNOWN)
    life.state.close(delivered=delivered)
    moment.now += module.SOON + 60
    again = Life(path, moment)
    assert [] == again.state.complaints
    assert {(): found} == again.ledger.read()[names.TASK_UNKNOWN]
    again.kill()


def test_what_a_removal_leaves_when_it_is_cut_short_is_no_state(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it removed its files, a worker leaves nothing that the next one would count again."""
    life = Life(path)
    life.ledger.count(names.TASK_UNKNOWN)
    unlinked: list[Path] = []

    def unlink_one(file: Path) -> None:
        if unlinked:
            raise DeadError
        unlinked.append(file)
        file.rename(file.with_suffix(".gone"))

    monkeypatch.setattr(Path, "unlink", unlink_one)
    with pytest.raises(DeadError):
        life.directory.remove()
    monkeypatch.undo()
    life.kill()
    again = Life(path)
    assert {(): 0} == again.ledger.read()[names.TASK_UNKNOWN]
    again.kill()


def test_a_snapshot_without_its_log_is_not_gone_on_from(path: Path) -> None:
    """It is older than what was counted, by an amount that nobody knows."""
    life = Life(path)
    life.ledger.count(names.TASK_UNKNOWN)
    life.kill()
    (path / "1.log").unlink()
    assert_begins_anew(path, "the log of its snapshot is missing")


def test_a_removed_log_takes_no_room_though_a_child_has_it_open(path: Path) -> None:
    """Children inherit the log that was written when they were forked."""
    life = Life(path)
    life.ledger.count(names.TASK_UNKNOWN)
    with (path / "1.log").open("rb") as inherited:
        life.state.begin()
        assert 0 == os.fstat(inherited.fileno()).st_size
    life.kill()


def test_a_closed_state_is_not_written_again(path: Path) -> None:
    """An export that was still under way when the worker ended changes nothing on the disk."""
    life = Life(path)
    life.state.close(delivered=False)
    life.state.begin()
    assert ["2.snapshot", "lock"] == files(path)


def test_a_killed_life_before_the_machines_last_start_is_not_gone_on_from(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a machine that went down had not on its disk is unknown: the counts begin anew, and that is said."""
    life = Life(path)
    life.ledger.count(names.TASK_UNKNOWN)
    life.kill()
    monkeypatch.setattr(module, "boot", lambda: "another")
    assert_begins_anew(path, "the machine has been started since")


def test_other_buckets_are_not_gone_on_from(path: Path) -> None:
    """With other buckets the counts begin anew, and that is said."""
    life = Life(path, bounds=(5.0,))
    life.ledger.count(names.TASK_UNKNOWN)
    life.kill()
    assert_begins_anew(path, "they are of another kind (other buckets)")


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("1.snapshot", b"{}", "its snapshot cannot be read (KeyError: 'format')"),
        ("1.snapshot", b'{"format": 2}', "it has the format 2, not 1"),
        ("1.snapshot", b"\xff", "it cannot be read"),
        ("1.log", b"nonsense\n", "its log cannot be read (JSONDecodeError"),
        ("1.log", b'{"counts": [[99999, 1]]}\n', "its log cannot be read (IndexError"),
        ("1.log", b"[]\n", "its log cannot be read (TypeError"),
        ("1.log", b"[" * 100_000 + b"\n", "its log cannot be read (RecursionError"),
    ],
    ids=["nothing", "format", "bytes", "line", "number", "list", "depth"],
)
def test_what_cannot_be_read_is_replaced(path: Path, file: str, content: bytes, why: str) -> None:
    """Files that hold something else are said, once, and replaced."""
    life = Life(path)
    life.ledger.count(names.TASK_UNKNOWN)
    life.kill()
    (path / file).write_bytes(content)
    assert_begins_anew(path, why)


def assert_begins_anew(path: Path, why: str) -> None:
    """The next life begins at 0, says why, and is kept."""
    again = Life(path)
    (complaint,) = again.state.complaints
    assert why in complaint
    assert {(): 0} == again.ledger.read()[names.TASK_UNKNOWN]
    again.ledger.count(names.TASK_UNKNOWN)
    again.kill()
    last = Life(path)
    assert [] == last.state.complaints
    assert {(): 1} == last.ledger.read()[names.TASK_UNKNOWN]
    last.kill()
