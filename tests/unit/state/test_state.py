"""What a worker's state keeps, when it is gone on from, and what happens when it cannot be kept."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path

import pytest

from celery_otel import names
from celery_otel.core.outcome import SUCCESS, Outcome, Status
from celery_otel.core.run import TRAINING, RunRecord
from celery_otel.metric import Distribution, Metric
from celery_otel.state import state as module
from celery_otel.state.directory import StateDirectory, folder
from celery_otel.state.errors import StateError
from tests.unit.state.lives import BOUNDS, Life, Time, held, numbers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state is."""
    return tmp_path / "kept"


def labels_of(metric: Metric) -> tuple[str, ...]:
    """Some labels of a metric; not plain ones."""
    return tuple(f'{label}"|\n\u20ac\ud7ff' for label in metric.labels)


def files(path: Path) -> list[str]:
    """The names of the files of a state."""
    return sorted(file.name for file in path.iterdir())


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


def _now() -> Time:
    """The real time, at which files are written."""
    made = Time()
    made.now = time.time()
    return made


class DeadError(BaseException):
    """The end of the process."""


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


def test_a_worker_that_comes_late_begins_anew_where_everything_was_delivered(path: Path) -> None:
    """The series have ended by then, and nothing is complained of."""
    moment = _now()
    life = Life(path, moment)
    life.ledger.count(names.TASK_UNKNOWN)
    life.state.close(delivered=True)
    moment.now += module.SOON + 60
    again = Life(path, moment)
    assert [] == again.state.complaints
    assert {(): 0} == again.ledger.read()[names.TASK_UNKNOWN]
    again.kill()


def test_what_nobody_took_is_gone_on_from_however_late(path: Path) -> None:
    """After an end in good order without a collector the next life goes on."""
    moment = _now()
    life = Life(path, moment)
    life.ledger.count(names.TASK_UNKNOWN)
    life.state.close(delivered=False)
    moment.now += module.SOON + 60
    again = Life(path, moment)
    assert [] == again.state.complaints
    assert {(): 1} == again.ledger.read()[names.TASK_UNKNOWN]
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


class FullDirectory(StateDirectory):
    """A directory whose disk is full for a while: the kernel's own full disk stands for the log."""

    full = False

    def begin_log(self, generation: int) -> int:
        """The log, or what takes nothing."""
        return os.open("/dev/full", os.O_WRONLY) if self.full else super().begin_log(generation)


def test_a_full_disk_costs_the_state_and_not_the_worker(path: Path) -> None:
    """What cannot be written is removed, not left behind too old; once there is room, everything is kept again."""
    directory = FullDirectory(path)
    life = Life(path, directory=directory)
    directory.full = True
    life.state.begin()
    for _ in range(2):
        life.ledger.count(names.TASK_UNKNOWN)
        life.state.tend()
    assert f"cannot keep the counts in {path}: No space left on device" in life.state.complaints[0]
    directory.full = False
    life.ledger.count(names.TASK_UNKNOWN)
    assert not [name for name in files(path) if name.endswith(".snapshot")]
    life.state.tend()
    life.kill()
    again = Life(path)
    assert {(): 3} == again.ledger.read()[names.TASK_UNKNOWN]
    again.kill()


class CrampedDirectory(StateDirectory):
    """A directory whose disk has no room for a second snapshot."""

    def write_snapshot(self, generation: int, snapshot: bytes) -> None:
        """Writes the first one."""
        if generation > 1:
            raise OSError(ENOSPC, os.strerror(ENOSPC))
        super().write_snapshot(generation, snapshot)


def test_a_disk_without_room_at_the_end_costs_nothing(path: Path) -> None:
    """The log has everything: a worker that cannot close its state leaves what a killed one leaves."""
    life = Life(path, directory=CrampedDirectory(path))
    life.ledger.count(names.TASK_UNKNOWN)
    life.state.close(delivered=False)
    assert [] == life.state.complaints
    again = Life(path)
    assert {(): 1} == again.ledger.read()[names.TASK_UNKNOWN]
    again.kill()


def test_a_state_that_is_lost_at_the_end_is_said(path: Path) -> None:
    """What was given up, and can at the end not be written either, is gone, and the next worker begins anew."""
    life = Life(path, directory=CrampedDirectory(path))
    life.state.begin()
    life.state.close(delivered=False)
    first, last = life.state.complaints
    assert "Until it can, a SIGKILL loses what was counted since the last export." in first
    assert "The next worker of this name begins anew." in last
    assert ["lock"] == files(path)


class BusyDirectory(StateDirectory):
    """A directory in which something happens while the second snapshot is being written.

    Args:
        path: Where it is.
        full: Whether the log that belongs to it takes nothing.
    """

    def __init__(self, path: Path, *, full: bool = False) -> None:
        super().__init__(path)
        self._full = full
        self.meanwhile: Callable[[], None] = lambda: None

    def begin_log(self, generation: int) -> int:
        """The log."""
        full = self._full and generation == 2  # the second
        return os.open("/dev/full", os.O_WRONLY) if full else super().begin_log(generation)

    def write_snapshot(self, generation: int, snapshot: bytes) -> None:
        """Writes it, and lets the other thing happen."""
        super().write_snapshot(generation, snapshot)
        if generation == 2:  # the second
            self.meanwhile()


def test_a_snapshot_that_is_overtaken_is_left_out(path: Path) -> None:
    """While one thread writes a snapshot the log may become too long: the newer snapshot of that stays the newest."""
    directory = BusyDirectory(path)
    life = Life(path, directory=directory)
    directory.meanwhile = life.state.begin
    life.state.begin()
    assert [] == life.state.complaints
    assert ["3.log", "3.snapshot", "lock"] == files(path)
    life.kill()


def test_a_snapshot_whose_log_fails_is_left_out(path: Path) -> None:
    """What could not be written while a snapshot was, is missing in it: it is not left for the next life."""
    directory = BusyDirectory(path, full=True)
    life = Life(path, directory=directory)
    directory.meanwhile = lambda: life.ledger.count(names.TASK_UNKNOWN)
    life.state.begin()
    assert not [name for name in files(path) if name.endswith(".snapshot")]
    life.kill()


def test_a_child_writes_nothing(path: Path) -> None:
    """A process that is forked off counts nothing into the state, and does not have its lock."""
    life = Life(path)
    before = (path / "1.log").stat().st_size
    child = os.fork()
    if not child:
        life.ledger.count(names.TASK_UNKNOWN)
        os._exit(0)
    os.waitpid(child, 0)
    assert before == (path / "1.log").stat().st_size
    life.kill()


HOLD = """
import sys
from pathlib import Path
from celery_otel.state.directory import StateDirectory

directory = StateDirectory(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_directory_is_one_processs_at_a_time(path: Path) -> None:
    """A second process is told what to do, until the first has ended, however it does."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert b"held\n" == holder.stdout.readline()
        with pytest.raises(StateError, match="Give each worker a name of its own"):
            StateDirectory(path)
        holder.kill()
    StateDirectory(path).close()


def test_a_directory_that_cannot_be_made_is_said() -> None:
    """Where nothing can be written, the message says what to do."""
    with pytest.raises(StateError, match=r"cannot be written to .* Mount it so that it can be"):
        StateDirectory(Path("/proc/celery-otel"))


def test_only_its_owner_reads_a_state(path: Path) -> None:
    """The directory and its files are its owner's alone: names of tasks and errors are nobody else's business."""
    life = Life(path)
    life.kill()
    assert {0o700} == {path.stat().st_mode & 0o777}
    assert {0o600} == {file.stat().st_mode & 0o777 for file in path.iterdir()}


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        ("celery@host", "celery@host"),
        ("%2E.", ".."),
        ("a%2Fb%20c", "a/b c"),
        ("%C3%A4", "ä"),
    ],
    ids=["plain", "dots", "slash", "umlaut"],
)
def test_a_name_becomes_one_folder(expected: str, name: str) -> None:
    """Whatever a worker is called, its folder is one below the directory."""
    assert expected == folder(name)


def test_long_names_stay_apart() -> None:
    """Names that are too long for a folder are cut and do not become one."""
    first, second = (folder("x" * 300 + end) for end in "ab")
    assert first != second
    assert len(first) < 255


def test_a_snapshot_is_plain_json(path: Path) -> None:
    """Whoever looks into a state can read it."""
    life = Life(path)
    told = json.loads((path / "1.snapshot").read_text())
    assert (1, False, {"service.name": "shop"}) == (told["format"], told["closed"], told["about"]["identity"])
    assert list(BOUNDS) == told["about"]["buckets"][names.TASK_DURATION.name]
    assert isinstance(life.ledger.read()[names.TASK_UNKNOWN][()], int | Distribution)
    life.kill()
