"""What a process and its descendants use together is what the kernel says, and never falls when one of them ends."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from celery_otel import names
from celery_otel.resources.descendants import Descendants
from celery_otel.resources.meter import RisingSum
from celery_otel.resources.tree import ProcessTree, Used
from celery_otel_pipeline.polling import wait_until
from tests.unit.resources.processes import Member


class Parent:
    """A process that has children when it is told to (see `family`).

    Args:
        directory: Where they write.
    """

    def __init__(self, directory: Path) -> None:
        argv = [sys.executable, str(Path(__file__).with_name("family.py")), str(directory)]
        self.popen = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        root = psutil.Process(self.popen.pid)
        self.tree = ProcessTree(root, Descendants(root))

    def tell(self, command: str) -> int:
        """Gives a command and gets its answer."""
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self.popen.stdin.write(f"{command}\n")
        self.popen.stdin.flush()
        answer = int(self.popen.stdout.readline())
        # Before it waits for the next command it uses a little more time.
        wait_until(lambda: self._sleeps, deadline=20, message="it does not wait for the next command")
        return answer

    @property
    def _sleeps(self) -> bool:
        return psutil.Process(self.popen.pid).status() == psutil.STATUS_SLEEPING

    def used(self) -> Used:
        """What they have used."""
        used = self.tree.used()
        assert used is not None
        return used

    def written(self) -> int:
        """How many bytes they have written."""
        written = self.used().written
        assert written is not None
        return written

    def end(self) -> None:
        """Ends it with its children."""
        for child in psutil.Process(self.popen.pid).children():
            child.kill()
        self.popen.communicate(timeout=10)


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[Parent]:
    """A parent without children."""
    parent = Parent(tmp_path)
    parent.tell("written")
    yield parent
    parent.end()


def test_a_child_counts_the_same_before_and_after_its_end(parent: Parent) -> None:
    """What it has written is in the sum while it lives, and still when its parent has waited for it, once."""
    alone = parent.written()
    child = parent.tell("spawn")
    living = parent.written()
    ended = parent.tell(f"end {child}")
    assert (alone + ended, living) == (living, parent.written())


def test_the_total_of_children_that_come_and_go_is_what_the_kernel_says(parent: Parent) -> None:
    """Read all the while that children come, write and go, the total rises to the kernel's and not a byte higher."""
    total = RisingSum()
    with ThreadPoolExecutor(1) as thread:
        churning = thread.submit(parent.tell, "churn 200")
        while not churning.done():
            used = parent.tree.used()
            total.take(None if used is None else used.written)
    total.take(parent.written())
    assert parent.tell("written") == total.total


def test_cpu_time_stays_when_a_child_has_ended(parent: Parent) -> None:
    """The sum includes what the parent's ended children have used."""
    child = parent.tell("spawn")
    living = parent.used().cpu
    parent.tell(f"end {child}")
    times = psutil.Process(parent.popen.pid).cpu_times()
    expected = times.user + times.system + times.children_user + times.children_system
    assert expected == parent.used().cpu >= living


def test_what_is_held_is_the_sum_over_the_living(parent: Parent) -> None:
    """Memory, files, threads and number are those of the parent and its living children."""
    children = [parent.tell("spawn") for _ in range(3)]
    members = [psutil.Process(pid) for pid in (parent.popen.pid, *children)]
    parent.tree.used()
    # What they still do after they have said that they are there takes memory.
    wait_until(
        lambda: {member.status() for member in members} == {psutil.STATUS_SLEEPING}, deadline=20, message="they run"
    )
    expected = {
        names.PROCESS_COUNT: 4,
        names.PROCESS_MEMORY: sum(member.memory_info().rss for member in members),
        names.PROCESS_OPEN_FILES: sum(member.num_fds() for member in members),
        names.PROCESS_THREADS: 4,
    }
    assert expected == parent.tree.held()
    assert {names.PROCESS_MEMORY_PRIVATE: sum(m.memory_full_info().uss for m in members)} == parent.tree.private()


def test_descendants_are_found_at_every_depth_and_parents_first(parent: Parent) -> None:
    """The same as psutil finds, each of them the same object again."""
    child = parent.tell("spawn")
    own = Descendants(psutil.Process())

    def at_rest() -> list[psutil.Process]:
        # Servers that other tests have started here have children that come and go.
        before, found = _psutils(), own()
        return found if before == {one.pid for one in found} == _psutils() else []

    found = wait_until(at_rest, deadline=20, message="the descendants are not those that psutil finds")
    order = [one.pid for one in found]
    assert order.index(parent.popen.pid) < order.index(child)
    again = {one.pid: one for one in own()}
    assert all(one is again[one.pid] for one in found if one.pid in {parent.popen.pid, child})


def _psutils() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


def test_descendants_are_psutils_where_the_kernel_shows_none(parent: Parent, tmp_path: Path) -> None:
    """On another system than Linux."""
    child = parent.tell("spawn")
    assert [child] == [one.pid for one in Descendants(psutil.Process(parent.popen.pid), tmp_path)()]


def test_a_child_that_is_gone_in_mid_reading_is_no_error(parent: Parent) -> None:
    """What was there a moment ago and is not any more is left out."""
    child = parent.tell("spawn")
    parent.tree.used()
    parent.tell(f"end {child}")
    assert 1 == parent.tree.held()[names.PROCESS_COUNT]


def test_a_child_that_is_gone_before_it_is_read_begins_the_sum_anew() -> None:
    """Its parent has it by then, as the second try finds."""
    root = Member(written=20)
    child = Member(written=80)
    root.descendants = [child]
    child.fails = [lambda: root.become(written=100, descendants=[]), psutil.NoSuchProcess(1)]
    assert Used(0.0, 0, 100) == root.tree().used()


def test_processes_that_go_faster_than_they_are_read_are_given_up() -> None:
    """After a few tries there is no sum, rather than a wrong one."""
    root = Member(descendants=[Member(fails=[psutil.NoSuchProcess(1)])])
    assert None is root.tree().used()


def test_a_zombie_that_hides_what_it_used_keeps_what_it_was_known_to_have_used() -> None:
    """Until its parent has waited for it, its last known figures stand in; it holds nothing any more."""
    zombie = Member(written=80)
    tree = Member(written=20, descendants=[zombie]).tree()
    assert Used(0.0, 0, 100) == tree.used()
    zombie.become(state=psutil.STATUS_ZOMBIE, fails=[psutil.AccessDenied(1)])
    assert Used(0.0, 0, 100) == tree.used()
    assert 1 == tree.held()[names.PROCESS_COUNT]
    stranger = Member(state=psutil.STATUS_ZOMBIE, fails=[psutil.ZombieProcess(1)])
    assert Used(0.0, 0, 20) == Member(written=20, descendants=[stranger]).tree().used()


@pytest.mark.parametrize("error", [psutil.AccessDenied(1), FileNotFoundError("io"), PermissionError("io")])
def test_what_one_process_does_not_tell_is_known_of_none(error: Exception) -> None:
    """A sum over some of them would be a wrong one; what all of them tell is there."""
    tree = Member(written=20, descendants=[Member(written=80, fails=[error], denies=error)]).tree()
    assert Used(0.0, None, None) == tree.used()
    assert {names.PROCESS_COUNT: 2, names.PROCESS_MEMORY: 2, names.PROCESS_THREADS: 2} == tree.held()
    assert {} == tree.private()
