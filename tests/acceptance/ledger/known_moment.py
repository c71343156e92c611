"""A moment whose truth is known: so many tasks run, blocked at their gates, and so many wait in the worker."""

from celery_otel_pipeline.polling import wait_until
from tests.acceptance.ledger.plan import Plan, multiplied, ran, total
from tests.acceptance.ledger.scene import SETTLING, Scene

#: Tasks sent to each worker behind those that run.
BEHIND = 4

Gauges = dict[str, dict[str, float]]
NAMES = {
    "active": "celery_active_tasks",
    "busy": "celery_worker_pool_busy",
    "prefetch": "celery_worker_prefetch_count",
}


def blocked_plan(scene: Scene) -> Plan:
    """What the moment adds once its tasks have been let go."""
    slots = scene.conditions.slots
    return total(
        *(
            total(
                multiplied(ran("ledger.gated", queue, "success"), slots),
                multiplied(ran("ledger.held", queue, "success"), BEHIND),
            )
            for queue in scene.conditions.queues[1:]
        )
    )


def check(scene: Scene) -> None:
    """Block every slot of both workers, put tasks behind them, read the gauges, and let all go.

    Raises:
        DeadlineError: a gauge does not show the truth.
    """
    gates = [task_id for queue in scene.conditions.queues[1:] for task_id in _block(scene, queue)]
    for queue in scene.conditions.queues[1:] * BEHIND:
        scene.stage.send("ledger.held", queue=queue)
    wait_until(
        lambda: gauges(scene) == truth(scene),
        deadline=SETTLING,
        message=lambda: f"in the middle: the truth is {truth(scene)}, Prometheus shows {gauges(scene)}",
    )
    for task_id in gates:
        scene.journal.open_gate(task_id)


def gauges(scene: Scene) -> Gauges:
    """The newest values by worker."""
    return scene.gauges(NAMES)


def truth(scene: Scene) -> Gauges:
    """What runs is what says so itself; what a worker holds is what is no longer in its queue."""
    queues = dict(zip((scene.first, scene.second), scene.conditions.queues[1:], strict=True))
    slots = float(scene.conditions.slots)
    running = {worker.node_name: slots for worker in queues}
    waiting = {worker.node_name: float(BEHIND - scene.stage.length(queue)) for worker, queue in queues.items()}
    return {"active": running, "busy": running, "prefetch": waiting}


def at_rest(scene: Scene) -> Gauges:
    """What the gauges read when nothing runs."""
    zero = {scene.first.node_name: 0.0, scene.second.node_name: 0.0}
    return dict.fromkeys(NAMES, zero)


def _block(scene: Scene, queue: str) -> list[str]:
    ids = [scene.stage.send("ledger.gated", queue=queue) for _ in range(scene.conditions.slots)]
    wait_until(
        lambda: all(scene.journal.starts(task_id) for task_id in ids),
        deadline=SETTLING,
        message=f"the tasks sent to {queue} do not run",
    )
    return ids
