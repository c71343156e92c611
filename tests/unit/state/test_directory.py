"""The directory of a state: whose it is, who writes it, who reads it, and how it is called."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from celery_otel import names
from celery_otel.metric import Distribution
from celery_otel.state.directory import StateDirectory, folder
from celery_otel.state.errors import StateError
from tests.forked import exit_status_of
from tests.unit.state.lives import BOUNDS, Life


def test_a_child_writes_nothing(path: Path) -> None:
    """A process that is forked off counts nothing into the state, and does not have its lock."""
    life = Life(path)
    before = (path / "1.log").stat().st_size
    assert 0 == exit_status_of(lambda: life.ledger.count(names.TASK_UNKNOWN))
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
