"""A broker that goes away while tasks run: Celery drops what it held, and whatever comes back is counted again."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.rabbitmq import RabbitMQServer
from celery_otel_pipeline.redis import RedisServer
from tests.acceptance.ledger import held_worker
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import PATIENCE
from tests.acceptance.ledger.plan import Plan, total
from tests.acceptance.ledger.run import assert_balanced, restarts
from tests.acceptance.ledger.scene import SETTLING, Pipeline, Scene
from tests.acceptance.ledger.wire import Wire

ACKS = pytest.mark.parametrize("acks_late", [False, True], ids=["early", "late"])
#: What waits in the worker. Rate-limited tasks are left out: their worker lives on, and so would its limit.
WAITING = (held_worker.HELD, held_worker.DELAYED)
#: Whether the second delivery of a running task starts after its first has ended is up to the children.
SECOND_STARTS = frozenset({"celery_task_duplicates_total"})
#: Celery's option to abandon what runs when its message can no longer be acknowledged.
CANCEL = {"LEDGER_CANCEL_ON_LOSS": "1"}
#: With Redis down while messages are unacknowledged, Celery 5.7 ends the worker (kombu restores them to a connection
#: that it has closed); the running tasks end first.
DIES = "Unrecoverable error"
LOST, BACK = "Connection to broker lost", "Connected to"


def _scene(
    pipeline: Pipeline,
    conditions: Conditions,
    directory: Path,
    *,
    broker_url: str,
    wire_url: str = "",
    env: Mapping[str, str] | None = None,
) -> Scene:
    return Scene(
        pipeline,
        conditions,
        directory,
        broker_url=broker_url,
        wire_url=wire_url,
        env={**held_worker.ENVIRONMENT, **(env or {})},
        unplannable=SECOND_STARTS,
    )


def _balances(scene: Scene, outage: Callable[[], None]) -> None:
    """Hold everything, lose the broker, have it back, let all run to its end, and compare."""
    scene.stage.workers = 1
    scene.first_children = scene.conditions.slots
    scene.start(scene.first)
    gates = held_worker.fill(scene, WAITING)
    connected = scene.first.log.count(BACK)
    held_until = time.time()
    outage()
    _await(scene, lambda: scene.first.log.count(BACK) > connected or DIES in scene.first.log, "does not connect again")
    if DIES in scene.first.log:
        _replace(scene, gates)
    scene.stage.redeliver(before=held_until)
    _await(scene, lambda: _all_returned(scene), "has not given back what it held")
    _open(scene, gates)
    wait_until(scene.stage.idle, deadline=PATIENCE, message="the worker does not come to rest")
    assert_balanced(scene, *scene.settled(lambda: total(_plan(scene), restarts(scene))))


def _replace(scene: Scene, gates: list[str]) -> None:
    """Let the worker that Celery ends come to its end, and start it again, as a supervisor would."""
    _open(scene, gates)
    scene.first.process.wait(PATIENCE)
    scene.first_children *= 2
    scene.start(scene.worker("first", scene.conditions.queue, scene.conditions.own_queue))


def _open(scene: Scene, gates: list[str]) -> None:
    for task_id in gates:
        scene.journal.open_gate(task_id)


def _plan(scene: Scene) -> Plan:
    """What was dropped has been received again, and so has what was not."""
    lives = (held_worker.first_life(scene, WAITING), held_worker.second_life(scene, WAITING))
    return total(*lives, _kept(scene), _handed_back(scene), _running(scene))


def _handed_back(scene: Scene) -> Plan:
    """A worker that ends is one that stops: it still gives back what it held, under that cause."""
    cause = "shutdown" if DIES in scene.first.log else "connection_lost"
    return held_worker.handed_back(cause, _dropped(scene))


def _dropped(scene: Scene) -> tuple[str, ...]:
    """What Celery lets go of: a pool of threads keeps what it was given, and runs it though it comes again."""
    return WAITING if scene.conditions.processes else (held_worker.DELAYED,)


def _kept(scene: Scene) -> Plan:
    """What runs once more than planned, because Celery did not let go of it."""
    kept = [task for task in WAITING if task not in _dropped(scene)]
    return held_worker.second_life(scene, tuple(kept))


def _all_returned(scene: Scene) -> bool:
    """Whether Prometheus shows it, so that what comes after is a later export."""
    totals = scene.reading().totals()
    expected = {key: value for key, value in _handed_back(scene).items() if key.metric == "celery_task_returned_total"}
    return expected == {key: totals[key] for key in expected}


def _running(scene: Scene) -> Plan:
    """What ran has ended. With late ack it was received again too, after its first run or instead of it."""
    ended = held_worker.running_ended(scene)
    if not scene.conditions.acks_late:
        return ended
    return total(held_worker.running_cancelled(scene) if CANCEL.items() <= scene.env.items() else ended, ended)


def _await(scene: Scene, condition: Callable[[], object], problem: str) -> None:
    wait_until(condition, deadline=SETTLING, message=lambda: f"the worker {problem}\n{scene.first.log[-3000:]}")


def _restart(scene: Scene, broker: RedisServer | RabbitMQServer) -> None:
    """The broker is down until the worker has noticed."""
    broker.stop()
    _await(scene, lambda: LOST in scene.first.log, "does not notice that the broker is gone")
    broker.start()


def _cut(scene: Scene, wire: Wire) -> None:
    """The connections break, and the broker takes new ones at once."""
    assert wire.cut() > 0
    _await(scene, lambda: LOST in scene.first.log, "does not notice that its connections are gone")


@ACKS
def test_a_restarted_redis_balances(pipeline: Pipeline, tmp_path: Path, *, acks_late: bool) -> None:
    """With Redis down while tasks run, what waited is returned as `connection_lost` and received again."""
    conditions = Conditions(acks_late=acks_late, queue=f"redis-down-{'late' if acks_late else 'early'}")
    with (
        RedisServer(tmp_path / "broker") as broker,
        _scene(pipeline, conditions, tmp_path, broker_url=broker.url) as scene,
    ):
        _balances(scene, lambda: _restart(scene, broker))


@ACKS
def test_a_restarted_rabbitmq_balances(pipeline: Pipeline, tmp_path: Path, *, acks_late: bool) -> None:
    """With RabbitMQ down while tasks run, what waited is returned as `connection_lost` and received again."""
    conditions = Conditions(broker="amqp", acks_late=acks_late, queue=f"rabbit-down-{'late' if acks_late else 'early'}")
    with (
        RabbitMQServer(tmp_path / "broker") as broker,
        _scene(pipeline, conditions, tmp_path, broker_url=broker.url) as scene,
    ):
        _balances(scene, lambda: _restart(scene, broker))


@pytest.mark.parametrize(
    ("pool", "acks_late"), [("prefork", False), ("prefork", True), ("threads", True)], ids=["early", "late", "threads"]
)
def test_cut_connections_to_redis_balance(pipeline: Pipeline, tmp_path: Path, pool: str, *, acks_late: bool) -> None:
    """With every connection to Redis cut while tasks run, a pool gives back what Celery drops and no more."""
    conditions = Conditions(pool=pool, acks_late=acks_late, queue=f"cut-{pool}-{'late' if acks_late else 'early'}")
    with (
        RedisServer(tmp_path / "broker") as broker,
        Wire(broker.url) as wire,
        _scene(pipeline, conditions, tmp_path, broker_url=broker.url, wire_url=wire.url) as scene,
    ):
        _balances(scene, lambda: _cut(scene, wire))


def test_cut_connections_to_rabbitmq_balance(pipeline: Pipeline, rabbitmq: RabbitMQServer, tmp_path: Path) -> None:
    """With every connection to RabbitMQ cut while tasks run, what waited is returned and received again."""
    conditions = Conditions(broker="amqp", acks_late=True, queue="rabbit-cut")
    with (
        Wire(rabbitmq.url) as wire,
        _scene(pipeline, conditions, tmp_path, broker_url=rabbitmq.url, wire_url=wire.url) as scene,
    ):
        _balances(scene, lambda: _cut(scene, wire))


def test_running_tasks_that_a_lost_connection_cancels_balance(
    pipeline: Pipeline, rabbitmq: RabbitMQServer, tmp_path: Path
) -> None:
    """Where Celery abandons running tasks with their connection, they are returned as `cancelled` and run again."""
    conditions = Conditions(broker="amqp", acks_late=True, queue="rabbit-cut-cancels")
    with (
        Wire(rabbitmq.url) as wire,
        _scene(pipeline, conditions, tmp_path, broker_url=rabbitmq.url, wire_url=wire.url, env=CANCEL) as scene,
    ):
        _balances(scene, lambda: _cut(scene, wire))
