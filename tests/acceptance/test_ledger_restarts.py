"""A worker that is restarted while it holds tasks: what it gives back is counted, and counted again where it runs."""

import signal
from pathlib import Path

import pytest

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.rabbitmq import RabbitMQServer
from tests.acceptance.ledger import held_worker
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import PATIENCE
from tests.acceptance.ledger.plan import Plan, total
from tests.acceptance.ledger.run import assert_balanced, restarts
from tests.acceptance.ledger.scene import SETTLING, Pipeline, Scene

ACKS = pytest.mark.parametrize("acks_late", [False, True], ids=["early", "late"])


def _restart(scene: Scene) -> None:
    """The same worker again, not limiting rates, until all is over."""
    scene.start(scene.worker("first", scene.conditions.queue, scene.conditions.own_queue))
    wait_until(scene.stage.idle, deadline=PATIENCE, message="the restarted worker does not come to rest")


def _balances(scene: Scene, plan: Plan) -> None:
    assert_balanced(scene, *scene.settled(lambda: total(plan, restarts(scene))))


def _warm(scene: Scene) -> None:
    """Hold everything, stop by TERM, let what runs go on to its end, and start again."""
    scene.stage.workers = 1
    scene.start(scene.first)
    gates = held_worker.fill(scene)
    scene.first.signal(signal.SIGTERM)
    wait_until(
        lambda: "Warm shutdown" in scene.first.log, deadline=SETTLING, message="the worker does not begin to stop"
    )
    for task_id in gates:
        scene.journal.open_gate(task_id)
    scene.first.process.wait(PATIENCE)
    _restart(scene)
    ended = total(held_worker.first_life(scene), held_worker.running_ended(scene))
    _balances(scene, total(ended, held_worker.handed_back("shutdown"), held_worker.second_life(scene)))


def _cold(scene: Scene) -> None:
    """Hold everything, stop by QUIT, and start again: with late ack what was abandoned comes back too."""
    scene.stage.workers = 1
    scene.start(scene.first)
    gates = held_worker.fill(scene)
    scene.first.cold_stop()
    for task_id in gates:
        scene.journal.open_gate(task_id)
    _restart(scene)
    given_up = total(held_worker.first_life(scene), held_worker.running_cancelled(scene))
    again = held_worker.running_ended(scene) if scene.conditions.acks_late else Plan()
    _balances(scene, total(given_up, held_worker.handed_back("shutdown"), held_worker.second_life(scene), again))


@ACKS
def test_a_warm_restart_balances(pipeline: Pipeline, tmp_path: Path, *, acks_late: bool) -> None:
    """After TERM what waited is returned as `shutdown` and received again, and what ran has ended."""
    conditions = Conditions(acks_late=acks_late, queue=f"warm-{'late' if acks_late else 'early'}")
    with Scene(pipeline, conditions, tmp_path, env=held_worker.ENVIRONMENT) as scene:
        _warm(scene)


@ACKS
def test_a_cold_restart_balances(pipeline: Pipeline, tmp_path: Path, *, acks_late: bool) -> None:
    """After QUIT what waited is returned as `shutdown`, what ran as `cancelled`, and what comes back is received."""
    conditions = Conditions(acks_late=acks_late, queue=f"cold-{'late' if acks_late else 'early'}")
    with Scene(pipeline, conditions, tmp_path, env=held_worker.ENVIRONMENT) as scene:
        _cold(scene)


def test_a_warm_restart_balances_on_rabbitmq(pipeline: Pipeline, rabbitmq: RabbitMQServer, tmp_path: Path) -> None:
    """RabbitMQ takes back by itself what a stopped worker held, and the ledger balances as on Redis."""
    conditions = Conditions(broker="amqp", acks_late=True, queue="warm-rabbitmq")
    with Scene(pipeline, conditions, tmp_path, broker_url=rabbitmq.url, env=held_worker.ENVIRONMENT) as scene:
        _warm(scene)


def test_a_cold_restart_balances_on_rabbitmq(pipeline: Pipeline, rabbitmq: RabbitMQServer, tmp_path: Path) -> None:
    """RabbitMQ takes back by itself what a stopped worker ran and held, and the ledger balances as on Redis."""
    conditions = Conditions(broker="amqp", acks_late=True, queue="cold-rabbitmq")
    with Scene(pipeline, conditions, tmp_path, broker_url=rabbitmq.url, env=held_worker.ENVIRONMENT) as scene:
        _cold(scene)
