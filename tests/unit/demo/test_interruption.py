"""How the demo ends at Ctrl-C, wherever that meets it."""

import io
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from docs.examples.demo.driver.__main__ import INTERRUPTED, Demo, Workspace, ended
from docs.examples.demo.driver.display import Screen
from docs.examples.demo.driver.interruption import Interruption, is_interruption
from docs.examples.demo.driver.stack import Starter, started
from rich.console import Console

from celery_otel_pipeline.held_signals import ENDING_SIGNALS
from celery_otel_pipeline.worker import CeleryWorker


class Field:
    """Like a dataclass' field: it learns its name when its class is made, and then the signal comes."""

    def __set_name__(self, owner: type, name: str) -> None:
        signal.raise_signal(signal.SIGTERM)


class WorkspaceDemo(Demo):
    """Does one thing within a workspace, as the real demo does all it does."""

    def __init__(self, screen: Screen, act: Callable[[], object]) -> None:
        super().__init__(screen, seed=1, deadline=1.0, check=lambda: None)
        self._act = act
        self.directory = Path()

    def run(self, *, once: bool) -> int:
        """Do it and return 0."""
        with Workspace() as workspace:
            self.directory = workspace.path
            self._act()
        return int(not once)


@pytest.fixture(autouse=True)
def interruption() -> Iterator[Interruption]:
    """Return what has taken the signals that end a process, until the test's end."""
    before = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    interruption = Interruption()
    interruption.install()
    yield interruption
    for number, handler in before.items():
        signal.signal(number, handler)


def written() -> tuple[Screen, io.StringIO]:
    """Return a screen and where its words go."""
    stream = io.StringIO()
    return Screen(Console(file=stream)), stream


def make_a_class() -> object:
    """Make a class with a field, as the import of a library does."""
    return type("Point", (), {"exemplars": Field()})


class UnfinishedServer(CeleryWorker):
    """Imports a library while it is made, and meets the signal there."""

    def __init__(self, directory: Path) -> None:  # noqa: ARG002 - what a starter calls
        make_a_class()


def ignore(text: str) -> None:
    """Show nothing."""


def starter(check: Callable[[], None]) -> Starter:
    """Return what starts servers and has not started any."""
    return Starter(Path(), ignore, check, ExitStack())


def start_a_server() -> object:
    """Be interrupted while a server is made, as one that imports something for that."""
    return starter(lambda: None).start("broker", UnfinishedServer)


def fail() -> object:
    """Do what the demo does not expect."""
    raise RuntimeError("not a signal's")


class Finalized:
    """Meets a signal while it is finalized."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("act", [make_a_class, start_a_server, lambda: signal.raise_signal(signal.SIGINT)])
def test_a_signal_is_an_interruption_also_where_python_makes_another_error_of_it(
    act: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal ends with 130, a word, and nothing left, also one that meets the making of a class or of a server."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    screen, stream = written()
    assert ended(WorkspaceDemo(screen, act), screen, once=True) == INTERRUPTED
    assert "interrupted: everything is stopped" in stream.getvalue()
    assert [] == list(tmp_path.iterdir())


def test_an_error_of_the_demo_itself_is_no_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no signal has caused keeps its traceback and the logs."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    screen, _ = written()
    demo = WorkspaceDemo(screen, fail)
    with pytest.raises(RuntimeError, match="not a signal's") as caught:
        ended(demo, screen, once=True)
    assert not is_interruption(caught.value)
    assert [demo.directory] == list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_nobody_saw_is_raised_by_the_next_look(interruption: Interruption, tmp_path: Path) -> None:
    """Where Python has only printed the interrupt, whoever looks after the servers or starts one is interrupted."""
    looking = starter(interruption.check)
    looking.check()
    Finalized()
    with pytest.raises(KeyboardInterrupt):
        looking.check()
    with pytest.raises(KeyboardInterrupt), started(tmp_path, ignore, interruption.check):
        pytest.fail("it has started servers")


def test_the_second_signal_is_ignored() -> None:
    """Who presses Ctrl-C twice does not break the end off."""
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGTERM)
    assert {signal.SIG_IGN} == {signal.getsignal(number) for number in ENDING_SIGNALS}
