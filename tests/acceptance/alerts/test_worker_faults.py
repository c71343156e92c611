"""Workers and queues that fail, each in a way of its own, all at the same time: each raises its alert, and no other."""

from collections.abc import Iterator

import pytest

from tests.acceptance.alerts.conftest import Lists
from tests.acceptance.alerts.drill import Drill
from tests.acceptance.alerts.shortened import shortened
from tests.acceptance.alerts.stack import Stack
from tests.acceptance.alerts.worker_scene import WorkerScene

GONE = ("dead", "frozen")
FAULTS = ("blocked", "late", "stuck", "silent", "seldom", "mail")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerScene]:
    """A stack in which everything is well."""
    directory = tmp_path_factory.mktemp("worker-faults")
    with Stack(directory, shortened(), queues=["mail"]) as stack, Drill(stack) as drill:
        scene = WorkerScene(drill, directory)
        scene.start()
        yield scene


@pytest.fixture(scope="module")
def gone(scene: WorkerScene) -> WorkerScene:
    """Two workers are gone. They are back before anything else is broken: that would seem to follow from it."""
    scene.stop_workers()
    for name in GONE:
        scene.drill.fires(scene.faults[name])
    scene.start_workers()
    return scene


@pytest.fixture(scope="module")
def broken(gone: WorkerScene) -> WorkerScene:
    """Everything else is broken at once."""
    for name in GONE:
        gone.drill.resolves(gone.faults[name])
    gone.break_everything()
    return gone


@pytest.fixture(scope="module")
def repaired(broken: WorkerScene) -> WorkerScene:
    """All of it has fired and is mended, by what the runbooks say."""
    for name in FAULTS:
        broken.drill.fires(broken.faults[name])
    broken.repair_everything()
    return broken


@pytest.mark.parametrize("fault", GONE)
def test_a_worker_that_is_gone_is_down(gone: WorkerScene, fault: str, lists: Lists) -> None:
    """WorkerDown, until it is back."""
    gone.drill.resolves(gone.faults[fault])
    lists(gone.drill.rows(gone.faults[fault]))


@pytest.mark.parametrize("fault", FAULTS)
def test_it_fires_and_resolves(repaired: WorkerScene, fault: str, lists: Lists) -> None:
    """Prometheus fires, Alertmanager holds it, its receiver knows; after the repair it is over for all three."""
    repaired.drill.resolves(repaired.faults[fault])
    lists(repaired.drill.rows(repaired.faults[fault]))


def test_nothing_else_was_notified(repaired: WorkerScene) -> None:
    """Each fault raised its own alerts, for its own worker or queue, and no other."""
    repaired.drill.quiet()
    assert repaired.drill.expected() == repaired.drill.notified()
