"""Ends of whole workers: what they counted before they died is in Prometheus, and stays true."""

import re
from pathlib import Path

import pytest
import yaml

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.repository import COLLECTOR_CONFIGURATION
from tests.acceptance.ledger.balance import NOT_OF_ATTEMPTS
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.plan import Plan, multiplied, ran, total
from tests.acceptance.ledger.run import assert_balanced, restarts
from tests.acceptance.ledger.scene import SETTLING, Pipeline, Scene

#: The promise: after so many seconds nothing is left of a worker that was killed.
GONE_WITHIN = 180.0
#: How long the collector keeps a silent series, as configured and here: what is left of the promise is for all else.
EXPIRY, SHORT_EXPIRY = 120, 4
POOLS = ["prefork", "threads", "solo", "gevent", "eventlet"]


def _warm_up(scene: Scene) -> Plan:
    """Some successes, so that there is something to lose; over, so that none is what is lost."""
    for _ in range(20):
        scene.stage.send("ledger.success", 1)
    wait_until(scene.stage.idle, deadline=SETTLING, message="the warm-up does not end")
    return multiplied(ran("ledger.success", scene.conditions.queue, "success"), 20)


def _last_task(scene: Scene, task: str) -> None:
    """Send the second worker a task that Celery may not survive, and wait until it is over."""
    worker = scene.second
    scene.stage.send(task, queue=scene.conditions.queues[2])
    wait_until(
        lambda: not worker.alive or f"{task}[" in worker.log,
        deadline=SETTLING,
        message=f"{worker.node_name} has not seen {task}",
    )


@pytest.mark.parametrize("pool", POOLS)
def test_a_memory_error_is_a_failure_even_where_it_ends_the_worker(
    pipeline: Pipeline, tmp_path: Path, pool: str
) -> None:
    """A task's MemoryError is one failure; with processes or solo Celery ends the worker, which exports it first."""
    with Scene(pipeline, Conditions(pool=pool, queue=f"memory-{pool}"), tmp_path) as scene:
        scene.start_workers()
        plan = _warm_up(scene)
        _last_task(scene, "ledger.memory_error")
        ends = ran("ledger.memory_error", scene.conditions.queues[2], "failure", "MemoryError")
        expected = total(plan, ends)
        assert_balanced(scene, *scene.settled(lambda: total(expected, restarts(scene))))
        if pool in {"prefork", "solo"}:
            wait_until(lambda: not scene.second.alive, deadline=SETTLING, message="the worker lives on")


def test_a_sys_exit_in_the_solo_pool_is_a_lost_worker(pipeline: Pipeline, tmp_path: Path) -> None:
    """With the solo pool, `sys.exit()` in a task ends the worker: one failure of type worker_lost, exported first."""
    with Scene(pipeline, Conditions(pool="solo", queue="sys-exit-solo"), tmp_path) as scene:
        scene.start_workers()
        plan = _warm_up(scene)
        _last_task(scene, "ledger.sys_exit")
        expected = total(plan, ran("ledger.sys_exit", scene.conditions.queues[2], "failure", "worker_lost"))
        assert_balanced(scene, *scene.settled(lambda: expected))
        wait_until(lambda: not scene.second.alive, deadline=SETTLING, message="the worker lives on")


def test_a_killed_worker_disappears_and_its_history_stays(tmp_path: Path) -> None:
    """After SIGKILL a worker's series end with the collector's expiry, and the raw history sums to its last export."""
    with (
        Pipeline(tmp_path / "pipeline", metric_expiration=f"{SHORT_EXPIRY}s") as pipeline,
        Scene(pipeline, Conditions(queue="killed"), tmp_path) as scene,
    ):
        scene.start_workers()
        plan = _warm_up(scene)
        _block(scene)
        scene.settled(lambda: total(plan, restarts(scene)))
        scene.first.kill()
        name = scene.first.node_name
        wait_until(
            lambda: not pipeline.prometheus.query(f'{{__name__=~"celery_.+", instance="{name}"}}'),
            deadline=GONE_WITHIN - (EXPIRY - SHORT_EXPIRY),
            message=f"Prometheus still shows series of {name}",
        )
        assert _last_export(scene, name) == _history(scene, name)


def test_the_configured_expiry_keeps_the_promise() -> None:
    """The collector's own default lets a dead worker's series go early enough for the three minutes."""
    exporter = yaml.safe_load(COLLECTOR_CONFIGURATION.read_text())["exporters"]["prometheus"]
    minutes = EXPIRY // 60
    assert exporter["metric_expiration"] == f"${{env:CELERY_OTEL_COLLECTOR_METRIC_EXPIRATION:-{minutes}m}}"


def _block(scene: Scene) -> None:
    """Leave tasks running in the first worker, as a kill would find them."""
    ids = [scene.stage.send("ledger.gated", queue=scene.conditions.own_queue) for _ in range(scene.conditions.slots)]
    wait_until(
        lambda: all(scene.journal.starts(task_id) for task_id in ids),
        deadline=SETTLING,
        message="the tasks that are to be killed do not run",
    )


def _last_export(scene: Scene, name: str) -> dict[str, float]:
    """The counters of attempts that the worker itself last sent, each summed over its series."""
    exports = [export for export in scene.pipeline.tap.exports(scene.job) if export.instance == name]
    sent = {metric.replace(".", "_"): value for metric, value in exports[-1].counters.items()}
    return {metric: value for metric, value in sent.items() if not re.match(NOT_OF_ATTEMPTS, metric)}


def _history(scene: Scene, name: str) -> dict[str, float]:
    """The same counters, from Prometheus's raw samples."""
    sums: dict[str, float] = {}
    for metric in _last_export(scene, name):
        series = metric if metric.endswith("_total") else f"{metric}_total"
        sums[metric] = scene.reading().sum_of(series, instance=name)
    return sums
