"""What tasks tell comes to their worker: runs are counted exactly once, and the rest is for the spans."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from celery.concurrency import get_implementation

from celery_otel import names
from celery_otel.core.counts import Counts
from celery_otel.core.ledger import Ledger
from celery_otel.core.run import RunRecord
from celery_otel.failures import FailureLog, HookFailures
from celery_otel.hooks.arrivals import Arrivals
from celery_otel.metric import Labels, Value
from celery_otel.relay import GARBAGE
from celery_otel.workplace import POSTS, Workplace

HOST = "w@host"


class Main:
    """A worker's MAIN process.

    Args:
        pool: Celery's name of its pool.
    """

    def __init__(self, pool: str) -> None:
        self.ledger = Ledger(Counts((1.0,), 10), worker=HOST)
        self.arrivals = Arrivals(SimpleNamespace(pool_cls=get_implementation(pool), hostname=HOST), self.ledger)
        self.outlet = self.arrivals.outlet

    def runs(self) -> dict[Labels, Value]:
        """The runs of training that have ended."""
        return {labels: value for labels, value in self.ledger.read()[names.TRAINING_RUNS].items() if value}

    def garbage(self) -> Value:
        """How much came that was none of ours."""
        return self.ledger.read()[names.CELERY_OTEL_RELAY_LOSSES][GARBAGE,]

    def in_child(self, work: Callable[[], object], *, killed: bool = False) -> int:
        """The process id of a child that has done some work and has ended, and that nobody has waited for yet."""
        pid = os.fork()
        if pid == 0:
            try:
                work()
            finally:
                os.kill(os.getpid(), signal.SIGKILL) if killed else os._exit(0)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return pid


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def main(request: pytest.FixtureRequest, stack: ExitStack) -> Main:
    """A worker, of a prefork pool unless a test says otherwise."""
    made = Main(getattr(request, "param", "prefork"))
    stack.callback(made.arrivals.close)
    return made


def begun(label: str = "forest") -> RunRecord:
    """A run of this process that begins."""
    return RunRecord.begun("training", label, 1000.0)


def begin(main: Main, **more: Any) -> RunRecord:
    """Begins a run."""
    run = begun()
    main.outlet.send({"run": run.told(), **more})
    return run


def end(main: Main, run: RunRecord, **more: Any) -> None:
    """Ends a run."""
    main.outlet.send({"run": replace(run, seconds=1.0, result="success").told(), **more})


BOTH = pytest.mark.parametrize("main", ["prefork", "threads"], indirect=True)
SUCCEEDED, FAILED = {("forest", "success"): 1}, {("forest", "failure"): 1}


@BOTH
def test_a_run_is_counted_when_it_ends(main: Main) -> None:
    """Whichever way it comes, and once."""
    run = begin(main)
    main.arrivals.settle()
    assert {} == main.runs()
    end(main, run)
    main.arrivals.settle()
    main.arrivals.close()
    assert SUCCEEDED == main.runs()


def test_what_is_not_about_a_run_is_for_the_spans(main: Main) -> None:
    """Records of spans go on; what comes beside a run is marked, and a run alone leaves nothing."""
    main.outlet.send({"span": "1", "attributes": {"a": 1}})
    begin(main, span="2", attributes={"b": 2})
    begin(main, span="3")
    begin(main)
    span, aside = main.arrivals.drain()
    assert {"span": "1", "attributes": {"a": 1}} == span
    assert {"span": "2", "attributes": {"b": 2}, "aside": True} == aside


@pytest.mark.parametrize("main", ["threads"], indirect=True)
def test_what_is_on_the_span_of_a_task_in_main_is_not_told_twice(main: Main) -> None:
    """Nobody is killed there before the span has told it all; what a subprocess says beside a run is."""
    run = begin(main, span="2", attributes={"b": 2})
    os.waitpid(main.in_child(lambda: end(main, run, span="3", attributes={"c": 3})), 0)
    assert [] == main.arrivals.drain()
    main.arrivals.pump()
    assert [{"span": "3", "attributes": {"c": 3}, "aside": True}] == main.arrivals.drain()
    assert SUCCEEDED == main.runs()


@BOTH
def test_garbage_is_counted_and_does_no_harm(main: Main) -> None:
    """A run that is none is a loss, and what comes after it is read."""
    for told in (None, {}, {**begun().told(), "result": "timeout"}):
        main.outlet.send({"span": "1", "attributes": {}, "run": told})
    end(main, begun())
    assert [] == main.arrivals.drain()
    assert (3, SUCCEEDED) == (main.garbage(), main.runs())


@BOTH
def test_what_is_open_when_the_worker_ends_has_failed(main: Main) -> None:
    """After everything that was on its way has been read."""
    open_run, ended = begin(main), begin(main)
    end(main, ended)
    main.arrivals.close()
    assert {**SUCCEEDED, **FAILED} == main.runs()
    end(main, open_run)
    assert {**SUCCEEDED, **FAILED} == main.runs()


@pytest.mark.parametrize("seen", [False, True], ids=["unread", "read"])
@pytest.mark.parametrize("notice", ["killed", "settle"])
def test_a_run_of_a_killed_child_has_failed(main: Main, notice: str, *, seen: bool) -> None:
    """Whether its beginning has been read by then or is still in the socket; and only the killed child's."""
    begin(main)
    pid = main.in_child(lambda: begin(main), killed=True)
    if seen:
        main.arrivals.drain()
    main.arrivals.killed(pid) if notice == "killed" else main.arrivals.settle()
    assert FAILED == main.runs()
    os.waitpid(pid, 0)
    main.arrivals.settle()
    assert FAILED == main.runs()


@pytest.mark.parametrize("notice", ["killed", "settle"])
def test_an_end_that_is_in_the_socket_counts(main: Main, notice: str) -> None:
    """A child that ended its run and was killed then has succeeded with it."""
    pid = main.in_child(lambda: end(main, begin(main)), killed=True)
    main.arrivals.killed(pid) if notice == "killed" else main.arrivals.settle()
    assert SUCCEEDED == main.runs()
    os.waitpid(pid, 0)


def test_an_end_that_comes_after_the_kill_is_ignored(main: Main) -> None:
    """A child that is told as killed while it still sends its end is not counted twice."""
    run = begin(main)
    main.arrivals.killed(os.getpid())
    end(main, run)
    main.arrivals.settle()
    assert FAILED == main.runs()


def test_more_than_is_read_at_once_is_read_before_a_run_fails(main: Main) -> None:
    """The end of a child that is gone may stand behind thousands of other records."""

    def flood() -> None:
        run = begin(main)
        for number in range(3000):
            main.outlet.send({"span": f"{number}", "name": "x"}, patient=False)
        end(main, run)

    drained = 0

    def collect() -> None:
        nonlocal drained
        drained += len(main.arrivals.drain())

    main.arrivals.collect = collect
    pid = main.in_child(flood)
    main.arrivals.settle()
    assert SUCCEEDED == main.runs()
    assert drained > 0
    os.waitpid(pid, 0)


@pytest.mark.parametrize("main", ["threads"], indirect=True)
def test_a_subprocess_of_a_task_in_main_has_a_way_too(main: Main) -> None:
    """Where tasks need no socket, what they fork does; the run of one that is killed has failed."""
    os.waitpid(main.in_child(lambda: end(main, begin(main))), 0)
    os.waitpid(main.in_child(lambda: begin(main), killed=True), 0)
    main.arrivals.settle()
    assert {**SUCCEEDED, **FAILED} == main.runs()


def test_the_worker_is_known_as_long_as_it_is_open(main: Main) -> None:
    """Tasks find it by its name, children by what they inherit; when it is closed, nobody finds it."""
    assert main.outlet is POSTS[HOST].outlet
    assert Workplace(main.outlet).send({"run": begun().told()})
    main.arrivals.close()
    assert HOST not in POSTS


class Hub:
    """Celery's event loop."""

    def __init__(self) -> None:
        self.readers: dict[int, Any] = {}

    def add_reader(self, descriptor: int, callback: Callable[..., object], *args: Any) -> None:
        """Watches a file descriptor."""
        self.readers[descriptor] = lambda: callback(*args)

    def remove(self, descriptor: int) -> None:
        """Watches it no more."""
        del self.readers[descriptor]


def test_the_event_loop_reads_what_children_send(main: Main) -> None:
    """As it comes, and not what is closed; a failure of ours stays ours."""
    hub = Hub()
    errors: list[str] = []
    failures = HookFailures(errors.append, FailureLog())
    assert main.arrivals.connected(SimpleNamespace(hub=hub), failures)
    (read,) = hub.readers.values()
    end(main, begin(main))
    read()
    assert SUCCEEDED == main.runs()
    main.arrivals.collect = lambda: 1 // 0
    read()
    assert ["span"] == errors
    main.arrivals.collect = main.arrivals.drain
    main.arrivals.close()
    assert {} == hub.readers


@pytest.mark.parametrize("main", ["threads"], indirect=True)
def test_without_children_there_is_nothing_to_watch(main: Main) -> None:
    """A plain call needs no event loop."""
    assert not main.arrivals.connected(SimpleNamespace(hub=Hub()), HookFailures(lambda _: None, FailureLog()))
