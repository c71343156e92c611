"""Judges settings of Celery by which numbers mislead, or work is lost or done twice."""

from collections.abc import Iterator

from celery_otel.doctor.facts import Facts
from celery_otel.doctor.finding import Finding, listed, number_of, problem, warning
from celery_otel.inspection import HeldTask
from celery_otel.terminal.units import duration

LONG = 60.0
"""Seconds from which a task is long."""


def modules(facts: Facts) -> Iterator[Finding]:
    """Whether the tasks are known here, as they are to the workers."""
    if facts.modules_error:
        yield problem(
            "modules of tasks",
            f"cannot be imported: {facts.modules_error}",
            "Correct the import, or run the doctor where the workers run; tasks' own settings were not looked at.",
        )


def visibility(facts: Facts) -> Iterator[Finding]:
    """Whether messages are delivered again that are still being worked on."""
    timeout = facts.conf.visibility_timeout
    if timeout is None:
        return
    late = {task.name: task.time_limit for task in facts.conf.tasks if task.acks_late}
    long = [f"{name} ({duration(limit)})" for name, limit in late.items() if limit is not None and limit > timeout]
    running = [_said(task, _running(facts, task)) for task in _active(facts) if task.task_name in late]
    overdue = [text for text, seconds in running if seconds > timeout]
    scheduled = [_said(task, (task.eta or 0.0) - facts.now) for task in _scheduled(facts)]
    far = [text for text, seconds in scheduled if seconds > timeout]
    for subject, names in (
        ("acknowledged late, with a longer time limit", long),
        ("acknowledged late, running for longer", overdue),
        ("waiting in a worker for an ETA further away", far),
    ):
        if names:
            yield _delivered_again(timeout, subject, names)


def _delivered_again(timeout: float, subject: str, names: list[str]) -> Finding:
    return problem(
        "visibility_timeout",
        f"a message that is not acknowledged within {duration(timeout)} is delivered again; {subject}: "
        f"{listed(names[:5])}{' …' if len(names) > len(names[:5]) else ''}",
        "Set broker_transport_options = {'visibility_timeout': …} above the longest time limit and ETA, the same for "
        "every worker: else these tasks run twice.",
    )


def _said(task: HeldTask, seconds: float) -> tuple[str, float]:
    return f"{task.task_name} ({duration(seconds)})", seconds


def _active(facts: Facts) -> list[HeldTask]:
    return [task for worker in facts.workers for task in worker.tasks if task.state == "active"]


def _scheduled(facts: Facts) -> list[HeldTask]:
    return [task for worker in facts.workers for task in worker.tasks if task.state == "scheduled"]


def _running(facts: Facts, task: HeldTask) -> float:
    return facts.now - (task.time_start or facts.now)


def ignored_results(facts: Facts) -> Iterator[Finding]:
    """Whether chords can work."""
    if facts.conf.has_backend and facts.conf.ignore_result:
        yield warning(
            "task_ignore_result",
            "on: the callback of a chord may never run, and states of ended tasks are not stored",
            "Set ignore_result=False on the tasks of chords, and on those whose state you ask for.",
        )


def track_started(facts: Facts) -> Iterator[Finding]:
    """Whether a running task can be told from a waiting one in the result backend."""
    if facts.conf.has_backend and not facts.conf.track_started:
        yield warning(
            "task_track_started",
            "off: a running task is PENDING in the result backend",
            "Set task_track_started = True. Metrics and `status` ask the workers, and do not need it.",
        )


def late_acks(facts: Facts) -> Iterator[Finding]:
    """Whether late acknowledgement does what it is used for."""
    lost = [task.name for task in facts.conf.tasks if task.acks_late and not task.survives_loss]
    if lost:
        yield warning(
            "task_acks_late",
            f"without task_reject_on_worker_lost: {listed(lost[:5])}{' …' if len(lost) > len(lost[:5]) else ''}",
            "Set it if they may be run again: else one whose process is killed fails (WorkerLostError) and is gone.",
        )


def prefetch(facts: Facts) -> Iterator[Finding]:
    """Whether tasks wait behind long ones while others have nothing to do."""
    for worker in facts.workers:
        multiplier = int(worker.settings.get("worker_prefetch_multiplier", facts.conf.prefetch_multiplier))
        longest = max((_running(facts, task) for task in worker.tasks if task.state == "active"), default=0.0)
        reserved = worker.counts.get("reserved", 0)
        if multiplier != 1 and reserved and longest > LONG:
            yield warning(
                f"prefetch of {worker.name}",
                f"{number_of(reserved, 'task')} held back in it by one that runs for {duration(longest)} "
                f"(worker_prefetch_multiplier {multiplier})",
                "Set worker_prefetch_multiplier = 1 for long tasks, with task_acks_late, or give them their own queue.",
            )


def events(facts: Facts) -> Iterator[Finding]:
    """Whether the broker carries what nobody needs."""
    if facts.conf.send_task_events:
        yield warning(
            "worker_send_task_events",
            "on: every task costs several more messages of the broker",
            "celery-otel does not need them: turn it off unless something else does, such as Flower.",
        )
