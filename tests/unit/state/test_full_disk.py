"""A state that cannot be written costs itself, and not the worker; what is left of it is never too old."""

import os
from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path

from celery_otel import names
from celery_otel.state.directory import StateDirectory
from tests.unit.state.lives import Life, files


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
