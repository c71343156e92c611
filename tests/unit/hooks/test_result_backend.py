"""What the result backend takes is measured around its own methods, and comes from children to MAIN."""

from collections.abc import Iterator
from typing import NoReturn

import pytest
from celery import Celery

from celery_otel import names
from celery_otel.core.clock import Clock
from celery_otel.core.latencies import Latencies
from celery_otel.core.tables import CounterTable
from celery_otel.hooks.result_backend import HOOK, RECORD, BackendWatch
from celery_otel.metric import Distribution
from celery_otel.relay import Relay
from tests.forked import exit_status_of


class Scene:
    """An application with a backend, what watches it, and the way from its children.

    Args:
        backend: The backend's URL.
    """

    def __init__(self, backend: str | None) -> None:
        self.now = 100.0
        self.errors, self.noted = CounterTable(), CounterTable()
        self.app = Celery("shop", backend=backend, set_as_current=False)
        self.relay = Relay(lambda what, number: self.noted.add(what, amount=number))
        clock = Clock(monotonic=lambda: self.now)
        self.watch = BackendWatch(self.app, self.relay, self.errors.add, clock)

    def counts(self) -> dict[str, int]:
        """How many samples each operation has, those included that children have sent."""
        for record in self.relay.drain():
            self.watch.take(record[RECORD])
        read = self.watch.read()[names.RESULT_BACKEND_LATENCY]
        return {labels[0]: sum(one.counts) for labels, one in read.items() if isinstance(one, Distribution)}

    def close(self) -> None:
        """Takes it all back."""
        self.watch.close()
        self.relay.close()
        self.app.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    """One with a backend."""
    scene = Scene("cache+memory://")
    yield scene
    scene.close()


def methods(app: Celery) -> set[str]:
    """Which methods of its backend are not those of its class."""
    return {name for name in ("store_result", "get_task_meta", "on_chord_part_return") if name in vars(app.backend)}


def test_each_operation_is_measured(scene: Scene) -> None:
    """By name; what a backend does inside of one of them is not counted by itself."""
    scene.app.backend.mark_as_done("id", 1)
    scene.app.backend.mark_as_done("id", 2)
    scene.app.AsyncResult("id").get()
    assert {"store": 2, "get": 1} == scene.counts()


def test_what_fails_is_measured_and_fails(scene: Scene) -> None:
    """A backend that takes long to say no shows."""
    with pytest.raises(AttributeError):
        scene.app.backend.on_chord_part_return(None, "SUCCESS", 1)
    assert {"chord": 1} == scene.counts()


def test_a_backend_that_is_made_later_is_watched(scene: Scene) -> None:
    """A thread makes one of its own."""
    scene.app._get_backend().store_result("id", 1, "SUCCESS")  # noqa: SLF001  # what Celery calls
    assert {"store": 1} == scene.counts()


def test_the_backend_is_left_as_it_was(scene: Scene) -> None:
    """At the end nothing of ours is on it, nor on the application."""
    assert 3 == len(methods(scene.app))
    scene.watch.close()
    assert (set(), False) == (methods(scene.app), "_get_backend" in vars(scene.app))


def test_without_a_backend_nothing_is_watched() -> None:
    """It costs nothing there."""
    scene = Scene(None)
    assert (set(), {}) == (methods(scene.app), scene.counts())
    scene.close()


def test_a_child_sends_once_a_second_and_at_its_end(scene: Scene) -> None:
    """Its first sample at once, those of the second after it together, the rest when it ends: none is missing."""

    def store_five() -> None:
        for moment in (100.0, 100.5, 100.6, 101.5, 101.6):
            scene.now = moment
            scene.app.backend.store_result("id", 1, "SUCCESS")
        scene.watch._leave()  # noqa: SLF001  # what Celery's signal calls

    assert 0 == exit_status_of(store_five)
    records = scene.relay.drain()
    assert [1, 3, 1] == [sum(record[RECORD]["store"][1:]) for record in records]
    for record in records:
        scene.watch.take(record[RECORD])
    assert {"store": 5} == scene.counts()


def test_what_finds_no_room_is_sent_later(scene: Scene) -> None:
    """Nothing waits and nothing is lost."""

    def store_without_room() -> None:
        send = scene.relay.send
        scene.relay.send = lambda *_, **__: False  # type: ignore[method-assign]
        scene.app.backend.store_result("id", 1, "SUCCESS")
        scene.relay.send = send  # type: ignore[method-assign]
        scene.watch._leave()  # noqa: SLF001  # what Celery's signal calls

    assert 0 == exit_status_of(store_without_room)
    assert {"store": 1} == scene.counts()


def test_an_error_of_ours_reaches_nobody(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted, and the result is stored."""

    def fail(*_: object) -> NoReturn:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(Latencies, "record", fail)
    scene.app.backend.mark_as_done("id", 1)
    assert 1 == scene.errors[HOOK,]

    def store() -> None:
        scene.app.backend.store_result("id", 1, "SUCCESS")
        scene.relay.tell()

    assert 0 == exit_status_of(store)
    assert [] == scene.relay.drain()
    assert 1 == scene.noted[HOOK,]


@pytest.mark.parametrize("garbage", [None, 1, {"store": 1}, {"store": []}, {"store": ["x"]}, {"store": [1.0, 2]}])
def test_what_are_no_samples_are_refused(scene: Scene, garbage: object) -> None:
    """And nothing of them is kept."""
    with pytest.raises(ValueError, match=r".+"):
        scene.watch.take(garbage)
    assert {} == scene.counts()


def test_operations_that_do_not_exist_are_not_taken(scene: Scene) -> None:
    """A task cannot make series of its own."""
    with pytest.raises(ValueError, match="not samples"):
        scene.watch.take({"made up": [0.0] * (len(names.RESULT_BACKEND_LATENCY.bounds) + 2)})
    assert {} == scene.counts()
