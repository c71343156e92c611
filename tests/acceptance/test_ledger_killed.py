"""A worker whose main process is killed while it holds tasks: with a state, nothing it counted is lost or doubled."""

import re
import signal
from pathlib import Path

from celery_otel_pipeline.polling import wait_until
from tests.acceptance.ledger import held_worker
from tests.acceptance.ledger.balance import differences, unexplained
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.equation import violations
from tests.acceptance.ledger.held_worker import BEFORE, DELAYED, GATED, HELD, LIMITED, WAITING
from tests.acceptance.ledger.plan import Plan, multiplied, ran, returned, started, total
from tests.acceptance.ledger.run import restarts
from tests.acceptance.ledger.scene import SETTLING, Pipeline, Scene

#: How many of the running tasks end after the last export that the collector gets of the life that is killed.
UNSEEN = 2
ENDED = re.compile(r"Task (ledger\.\w+)\[[0-9a-f-]{36}\] succeeded")


def _end_unseen(scene: Scene, gates: list[str]) -> None:
    """Have some tasks end, and with them those that waited for their slots, before anybody is told."""
    for task_id in gates[:UNSEEN]:
        scene.journal.open_gate(task_id)
    left = len(gates) - UNSEEN
    wait_until(
        lambda: ENDED.findall(scene.first.log).count(HELD) == BEFORE + WAITING and _active(scene) == [left],
        deadline=SETTLING,
        message="the tasks that are to end do not",
    )


def _active(scene: Scene) -> list[int]:
    return [len(tasks) for tasks in scene.stage.asked("active")]


def _plan(scene: Scene) -> Plan:
    queue = scene.conditions.queue
    killed = total(returned(GATED, "killed"), started(GATED, queue))
    return total(
        held_worker.first_life(scene),
        multiplied(ran(GATED, queue, "success"), UNSEEN),
        multiplied(ran(HELD, queue, "success"), WAITING),
        multiplied(killed, scene.conditions.slots - UNSEEN),
        held_worker.handed_back("killed", (LIMITED, DELAYED)),
        restarts(scene),
    )


def test_a_killed_worker_goes_on_where_it_was(pipeline: Pipeline, tmp_path: Path) -> None:
    """What a worker counted before a SIGKILL of MAIN, and no collector got, is in Prometheus with its next life."""
    env = {"CELERY_OTEL_STATE_DIRECTORY": str(tmp_path / "kept"), "OTEL_TRACES_EXPORTER": "none"}
    with Scene(pipeline, Conditions(queue="killed-kept"), tmp_path, env={**held_worker.ENVIRONMENT, **env}) as scene:
        scene.stage.workers = 1
        scene.start(scene.first)
        gates = held_worker.fill(scene)
        with pipeline.tap.swallowing():
            _end_unseen(scene, gates)
            scene.first.signal(signal.SIGKILL)
            wait_until(lambda: not scene.first.alive, deadline=SETTLING, message="the worker is not killed")
        scene.first.kill()
        scene.start(scene.worker("first", scene.conditions.queue, scene.conditions.own_queue))
        wait_until(
            lambda: not differences(_plan(scene), scene.comparable(scene.reading())),
            deadline=SETTLING,
            message=lambda: "\n".join(map(str, differences(_plan(scene), scene.comparable(scene.reading())))),
        )
        pipeline.wait_for_scrapes(3)
        reading = scene.reading()
        assert [] == differences(_plan(scene), scene.comparable(reading))
        assert [] == unexplained(reading, _plan(scene), scene.tasks)
        assert [] == reading.lost_samples()
        assert [] == violations(pipeline.tap.exports(scene.job))
