"""What an attempt must add to which series: the arithmetic of the ledger.

A plan is a multiset of series. Every helper returns one, so that plans are added like numbers.
"""

from collections import Counter
from typing import NamedTuple


class Series(NamedTuple):
    """One time series as the ledger sees it: without `job` and `instance`, which are summed over."""

    metric: str
    labels: frozenset[tuple[str, str]]

    def __str__(self) -> str:
        """The series as PromQL writes it."""
        inner = ", ".join(f'{name}="{value}"' for name, value in sorted(self.labels))
        return f"{self.metric}{{{inner}}}"


Plan = Counter[Series]

#: Labels of an attempt's end that name a series of their own: status → (metric, label).
DETAILS = {
    "failure": ("celery_task_failures_total", "error_type"),
    "retry": ("celery_task_retries_total", "reason"),
    "revoked": ("celery_task_revocations_total", "cause"),
}


def series(metric: str, **labels: str) -> Series:
    """The series of that name and these labels."""
    return Series(metric, frozenset(labels.items()))


def count(metric: str, times: int = 1, **labels: str) -> Plan:
    """A plan of one series."""
    return Counter({series(metric, **labels): times})


def total(*plans: Plan) -> Plan:
    """The sum of plans."""
    result: Plan = Counter()
    for plan in plans:
        result.update(plan)
    return result


def multiplied(plan: Plan, times: int) -> Plan:
    """The plan, that many times."""
    return Counter({key: value * times for key, value in plan.items()})


def started(task: str, queue: str, *, eta: bool = False) -> Plan:
    """What the start of an attempt adds: how long it waited."""
    plan = total(
        count("celery_task_queue_time_seconds_count", task_name=task, queue_name=queue),
        count("celery_task_prefetch_time_seconds_count", task_name=task),
    )
    return plan + count("celery_task_eta_delay_seconds_count", task_name=task) if eta else plan


def ended(task: str, status: str, detail: str = "") -> Plan:
    """What an attempt that a worker received and that ended with this status adds, apart from its start.

    Args:
        task: The task's registered name.
        status: One of the product's six.
        detail: Error type of a failure, reason of a retry, cause of a revocation.
    """
    plan = total(
        count("celery_task_received_total", task_name=task),
        count("celery_task_total", task_name=task, status=status),
    )
    if status not in DETAILS:
        return plan
    metric, label = DETAILS[status]
    return plan + count(metric, 1, **{"task_name": task, label: detail})


def ran(task: str, queue: str, status: str, detail: str = "", *, eta: bool = False) -> Plan:
    """What an attempt adds that started and ended with this status."""
    duration = count("celery_task_duration_seconds_count", task_name=task, status=status)
    return total(ended(task, status, detail), started(task, queue, eta=eta), duration)


def returned(task: str, cause: str) -> Plan:
    """What an attempt adds that left the worker without an end, apart from its start if it had one."""
    return total(
        count("celery_task_received_total", task_name=task),
        count("celery_task_returned_total", task_name=task, cause=cause),
    )


def limit(task: str, kind: str) -> Plan:
    """What a time limit that fired adds."""
    return count("celery_task_timeouts_total", task_name=task, limit=kind)


def trained(model_type: str, result: str, *, sized: bool = True) -> Plan:
    """What a run of training adds that ended with this result.

    Args:
        model_type: What is trained.
        result: success or failure.
        sized: Whether it said how many samples and features it has.
    """
    plan = total(
        count("celery_training_runs_total", model_type=model_type, result=result),
        count("celery_training_duration_seconds_count", model_type=model_type, result=result),
    )
    if sized:
        plan += count("celery_training_samples_count", model_type=model_type, result=result)
        plan += count("celery_training_features_count", model_type=model_type, result=result)
    return plan + count("celery_training_models_total", model_type=model_type) if result == "success" else plan


def tuned(method: str, result: str) -> Plan:
    """What a search adds that ended with this result."""
    return total(
        count("celery_tuning_runs_total", method=method, result=result),
        count("celery_tuning_duration_seconds_count", method=method, result=result),
        count("celery_tuning_iterations_count", method=method, result=result),
    )
