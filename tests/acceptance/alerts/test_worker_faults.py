"""Workers and queues that fail, each in a way of its own, all at the same time: each raises its alert, and no other."""

from collections.abc import Iterator

import pytest

from tests.acceptance.alerts.conftest import Lists
from tests.acceptance.alerts.drill import Drill
from tests.acceptance.alerts.shortened import shortened
from tests.acceptance.alerts.stack import Stack
from tests.acceptance.alerts.worker_scene import WorkerScene

FAULTS = ("blocked", "stuck", "dead", "frozen", "silent", "seldom", "mail")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerScene]:
    """A stack in which everything is broken at once, after it has been quiet."""
    directory = tmp_path_factory.mktemp("worker-faults")
    with Stack(directory, shortened(), queues=["mail"]) as stack, Drill(stack) as drill:
        scene = WorkerScene(drill, directory)
        scene.start()
        scene.break_everything()
        yield scene


@pytest.mark.parametrize("fault", FAULTS)
def test_it_fires(scene: WorkerScene, fault: str) -> None:
    """Prometheus fires, Alertmanager holds it, its receiver knows."""
    scene.drill.fires(scene.faults[fault])


def test_everything_is_mended(scene: WorkerScene) -> None:
    """By what the runbooks say: tasks end, workers are replaced or go on, a queue gets a consumer."""
    scene.repair_everything()


@pytest.mark.parametrize("fault", FAULTS)
def test_it_resolves(scene: WorkerScene, fault: str, lists: Lists) -> None:
    """After the repair."""
    scene.drill.resolves(scene.faults[fault])
    lists(scene.drill.rows(scene.faults[fault]))


def test_nothing_else_was_notified(scene: WorkerScene) -> None:
    """Each fault raised its own alerts, for its own worker or queue, and no other."""
    scene.drill.quiet()
    assert scene.drill.expected() == scene.drill.notified()
