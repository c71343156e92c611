"""How the demo ends at Ctrl-C, wherever that meets it."""

import io
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docs.examples.demo.driver.__main__ import INTERRUPTED, Demo, Workspace, ended
from docs.examples.demo.driver.display import Screen
from docs.examples.demo.driver.interruption import is_interruption, raise_at_signals
from rich.console import Console

from celery_otel_pipeline.held_signals import ENDING_SIGNALS


class Field:
    """Like a dataclass' field: it learns its name when its class is made, and then the signal comes."""

    def __set_name__(self, owner: type, name: str) -> None:
        signal.raise_signal(signal.SIGTERM)


class WorkspaceDemo(Demo):
    """Does one thing within a workspace, as the real demo does all it does."""

    def __init__(self, screen: Screen, act: Callable[[], object]) -> None:
        super().__init__(screen, seed=1, deadline=1.0)
        self._act = act
        self.directory = Path()

    def run(self, *, once: bool) -> int:
        """Do it and return 0."""
        with Workspace() as workspace:
            self.directory = workspace.path
            self._act()
        return int(not once)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    raise_at_signals()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def written() -> tuple[Screen, io.StringIO]:
    """Return a screen and where its words go."""
    stream = io.StringIO()
    return Screen(Console(file=stream)), stream


def make_a_class() -> object:
    """Make a class with a field, as the import of a library does."""
    return type("Point", (), {"exemplars": Field()})


def fail() -> object:
    """Do what the demo does not expect."""
    raise RuntimeError("not a signal's")


@pytest.mark.parametrize("act", [make_a_class, lambda: signal.raise_signal(signal.SIGINT)])
def test_a_signal_is_an_interruption_also_where_python_makes_another_error_of_it(
    act: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that meets the making of a class, and one that does not, end with 130, a word, and nothing left."""
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


def test_the_second_signal_is_ignored() -> None:
    """Who presses Ctrl-C twice does not break the end off."""
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGTERM)
    assert {signal.SIG_IGN} == {signal.getsignal(number) for number in ENDING_SIGNALS}
