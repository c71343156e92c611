"""A worker that holds one of everything: running, prefetched, waiting for an ETA, and rate-limited tasks.

Before that it has run more of each than it will after a restart: what a counter says after its worker has come back
under the same name is then less than before, and the reset can be seen in the raw samples.
"""

from celery_otel_pipeline.polling import wait_until
from tests.acceptance.ledger.plan import Plan, multiplied, ran, returned, started, total
from tests.acceptance.ledger.scene import SETTLING, Scene

#: How many wait in each of the three ways.
WAITING = 3
#: When the ETA of those that have one is due: after all that happens to the worker, in seconds.
LATER = 18.0
#: What has run of each before.
BEFORE = 10
#: What a worker needs to hold all this at once: room beside those that run.
ENVIRONMENT = {"LEDGER_PREFETCH": "4"}

GATED, HELD, LIMITED, DELAYED = "ledger.gated", "ledger.held", "ledger.rate_limited", "ledger.delayed"
ALL = (HELD, LIMITED, DELAYED)


def fill(scene: Scene, waiting: tuple[str, ...] = ALL) -> list[str]:
    """Have the first worker run some of everything, then hold everything; returns the ids of what runs.

    Args:
        scene: The run, of which the first worker is up.
        waiting: Which tasks wait in it. The rate-limited ones are one more than wait: the first runs at once.
    """
    _run_before(scene)
    if LIMITED in waiting:
        scene.stage.confirmed("rate_limit", task_name=LIMITED, rate_limit="1/h")
        for _ in range(WAITING + 1):
            scene.stage.send(LIMITED)
    for _ in range(WAITING):
        scene.stage.send(DELAYED, countdown=LATER)
    gates = [scene.stage.send(GATED) for _ in range(scene.conditions.slots)]
    _await_gates(scene, gates)
    for _ in range(WAITING):
        scene.stage.send(HELD)
    name = scene.first.node_name
    truth = {"active": {name: float(len(gates))}, "prefetch": {name: float(len(waiting) * WAITING)}}
    wait_until(
        lambda: _gauges(scene) == truth,
        deadline=SETTLING,
        message=lambda: f"the worker is to hold {truth}, Prometheus shows {_gauges(scene)}",
    )
    return gates


def _run_before(scene: Scene) -> None:
    for _ in range(BEFORE):
        scene.stage.send(LIMITED)
        scene.stage.send(DELAYED, countdown=0.5)
        scene.stage.send(HELD)
        scene.journal.open_gate(scene.stage.send(GATED))
    wait_until(scene.stage.idle, deadline=SETTLING, message="what is to have run before does not end")


def first_life(scene: Scene, waiting: tuple[str, ...] = ALL) -> Plan:
    """What has ended before anything happens to the worker."""
    queue = scene.conditions.queue
    once = total(*(ran(task, queue, "success", eta=task == DELAYED) for task in (GATED, *ALL)))
    allowed = ran(LIMITED, queue, "success") if LIMITED in waiting else Plan()
    return total(multiplied(once, BEFORE), allowed)


def handed_back(cause: str, waiting: tuple[str, ...] = ALL) -> Plan:
    """What the worker held and had not started, given back."""
    return total(*(multiplied(returned(task, cause), WAITING) for task in waiting))


def second_life(scene: Scene, waiting: tuple[str, ...] = ALL) -> Plan:
    """What had been given back, received again and run."""
    queue = scene.conditions.queue
    return total(*(multiplied(ran(task, queue, "success", eta=task == DELAYED), WAITING) for task in waiting))


def running_ended(scene: Scene) -> Plan:
    """What ran when it happened, ended as it should."""
    return multiplied(ran(GATED, scene.conditions.queue, "success"), scene.conditions.slots)


def running_cancelled(scene: Scene) -> Plan:
    """What ran when it happened, abandoned by the worker."""
    attempt = total(returned(GATED, "cancelled"), started(GATED, scene.conditions.queue))
    return multiplied(attempt, scene.conditions.slots)


def _await_gates(scene: Scene, gates: list[str]) -> None:
    wait_until(
        lambda: all(scene.journal.starts(task_id) for task_id in gates),
        deadline=SETTLING,
        message="the tasks that are to run do not",
    )


def _gauges(scene: Scene) -> dict[str, dict[str, float]]:
    return scene.gauges({"active": "celery_active_tasks", "prefetch": "celery_worker_prefetch_count"})
