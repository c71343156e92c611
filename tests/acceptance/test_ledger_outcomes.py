"""Every outcome, on every pool and broker: Prometheus shows the plan, exactly."""

from pathlib import Path

import pytest

from celery_otel_pipeline.rabbitmq import RabbitMQServer
from tests.acceptance.ledger import known_moment
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.outcome import FEW
from tests.acceptance.ledger.outcomes import OUTCOMES
from tests.acceptance.ledger.plan import total
from tests.acceptance.ledger.run import all_outcomes, compare, play, run_plan, seed
from tests.acceptance.ledger.scene import Pipeline, Scene

RUNS = [
    Conditions(pool=pool, acks_late=acks_late, queue=f"{pool}-{'late' if acks_late else 'early'}")
    for pool, acks_late in [
        ("prefork", False),
        ("prefork", True),
        ("threads", False),
        ("threads", True),
        ("solo", False),
        ("gevent", False),
        ("eventlet", False),
    ]
]
ON_RABBITMQ = [
    Conditions(broker="amqp", acks_late=acks_late, queue=f"rabbitmq-{'late' if acks_late else 'early'}")
    for acks_late in (False, True)
]


def _balances(scene: Scene) -> None:
    order = seed()
    scene.start_workers()
    known_moment.check(scene)
    outcomes = all_outcomes(scene)
    play(scene, outcomes, order)
    reading = compare(
        scene, lambda: total(run_plan(scene, outcomes), known_moment.blocked_plan(scene)), list(OUTCOMES), order
    )
    assert known_moment.at_rest(scene) == known_moment.gauges(scene)
    # The sum of the durations is the one figure that has no exact plan: sleeping takes at least as long as asked.
    assert reading.sum_of("celery_task_duration_seconds_sum", task_name="ledger.two_seconds") >= 2.0 * FEW


@pytest.mark.parametrize("conditions", RUNS, ids=lambda conditions: conditions.queue)
def test_every_outcome_balances_on_redis(pipeline: Pipeline, conditions: Conditions, tmp_path: Path) -> None:
    """On Redis, every series equals the plan on every pool."""
    with Scene(pipeline, conditions, tmp_path) as scene:
        _balances(scene)


@pytest.mark.parametrize("conditions", ON_RABBITMQ, ids=lambda conditions: conditions.queue)
def test_every_outcome_balances_on_rabbitmq(
    pipeline: Pipeline, rabbitmq: RabbitMQServer, conditions: Conditions, tmp_path: Path
) -> None:
    """On RabbitMQ, every series equals the plan."""
    with Scene(pipeline, conditions, tmp_path, broker_url=rabbitmq.url) as scene:
        _balances(scene)
