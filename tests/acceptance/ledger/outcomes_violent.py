"""Outcomes that the child cannot report by itself: time limits, lost workers, terminations."""

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import Stage, Steps
from tests.acceptance.ledger.outcome import FEW, Act, Expect, Outcome, Phase, sending
from tests.acceptance.ledger.plan import Plan, limit, ran, total
from tests.acceptance.ledger.tasks_violent import HARD_LIMIT, LIMIT, OVERRUN, PATIENCE

NO_SOFT = "Celery ignores soft limits here: the task succeeds"
NO_HARD = "Celery ignores hard limits here: the task succeeds"
NO_CHILD = "the task runs in the worker itself: Celery would die with it"
NO_TERMINATE = "Celery cannot terminate a task here: it succeeds"


def _processes(conditions: Conditions) -> bool:
    return conditions.processes


def _no_child_remark(conditions: Conditions) -> str:
    return "" if conditions.processes else NO_CHILD


def _soft_plan(task: str, status: str, error: str = "") -> Expect:
    def expect(conditions: Conditions) -> Plan:
        if not conditions.soft_limits:
            return ran(task, conditions.queue, "success")
        return total(ran(task, conditions.queue, status, error), limit(task, "soft"))

    return expect


def _hard_plan(conditions: Conditions) -> Plan:
    task = "ledger.hard"
    if not conditions.hard_limits:
        return ran(task, conditions.queue, "success")
    return total(ran(task, conditions.queue, "failure", "timeout"), limit(task, "hard"))


def _soft_then_hard_plan(conditions: Conditions) -> Plan:
    task = "ledger.soft_then_hard"
    if not conditions.hard_limits:
        return ran(task, conditions.queue, "success")
    end = total(ran(task, conditions.queue, "failure", "timeout"), limit(task, "hard"))
    return total(end, limit(task, "soft")) if conditions.soft_limits else end


def _lost_plan(task: str) -> Expect:
    def expect(conditions: Conditions) -> Plan:
        return ran(task, conditions.queue, "failure", "worker_lost")

    return expect


def _lost_requeued_plan(conditions: Conditions) -> Plan:
    task, queue = "ledger.lost_requeued", conditions.queue
    return total(ran(task, queue, "failure", "worker_lost"), ran(task, queue, "success"))


def _stored_plan(conditions: Conditions) -> Plan:
    task, queue = "ledger.stored_then_lost", conditions.queue
    if conditions.celery < (5, 7):
        return ran(task, queue, "failure", "worker_lost")
    return ran(task, queue, "success")


def _stored_remark(conditions: Conditions) -> str:
    if not conditions.processes:
        return NO_CHILD
    return "" if conditions.celery >= (5, 7) else "before 5.7 Celery calls it a lost worker"


def _soft_remark(conditions: Conditions) -> str:
    return "" if conditions.soft_limits else NO_SOFT


def _hard_remark(conditions: Conditions) -> str:
    return "" if conditions.hard_limits else NO_HARD


def terminated(task: str, signal: str) -> Act:
    """Terminate a task that is known to run; where Celery cannot, let it go."""

    def act(stage: Stage) -> Steps:
        task_id = stage.send(task)
        yield lambda: stage.journal.starts(task_id)
        stage.revoke(task_id, signal)
        if not stage.conditions.can_terminate:
            stage.journal.open_gate(task_id)

    return act


def _signalled(task: str, signal: str) -> Act:
    """Terminate a task that is known to run, and let it go when the workers have said that they did so."""

    def act(stage: Stage) -> Steps:
        task_id = stage.send(task)
        yield lambda: stage.journal.starts(task_id)
        if stage.conditions.can_terminate:
            yield lambda: stage.asked("revoke", task_id=task_id, terminate=True, signal=signal)
        stage.journal.open_gate(task_id)

    return act


def _terminated_plan(task: str) -> Expect:
    def expect(conditions: Conditions) -> Plan:
        if not conditions.can_terminate:
            return ran(task, conditions.queue, "success")
        return ran(task, conditions.queue, "revoked", "terminated")

    return expect


def _interrupted_plan(task: str, status: str, error: str = "") -> Expect:
    """SIGINT: a child of the prefork pool ignores it and ends as it would have; a greenlet dies of any signal."""

    def expect(conditions: Conditions) -> Plan:
        if conditions.can_terminate and not conditions.processes:
            return ran(task, conditions.queue, "revoked", "terminated")
        return ran(task, conditions.queue, status, error)

    return expect


def _interrupted_remark(conditions: Conditions) -> str:
    if not conditions.can_terminate:
        return NO_TERMINATE.replace("it succeeds", "it ends as it would have")
    return "children ignore SIGINT" if conditions.processes else "a greenlet dies of any signal"


def _terminate_remark(conditions: Conditions) -> str:
    return "" if conditions.can_terminate else NO_TERMINATE


def _sys_exit_remark(conditions: Conditions) -> str:
    if conditions.processes:
        return ""
    if conditions.pool == "solo":
        return "ends the worker: a life of its own"
    return "Celery loses the task: no result, no event, still listed as active"


def _lost(name: str, task: str, expect: Expect | None = None) -> Outcome:
    return Outcome(
        name,
        sending(task),
        expect or _lost_plan(task),
        times=FEW,
        possible=_processes,
        remark=_no_child_remark,
    )


def overrunning(task: str, enforced: float, ignored: float) -> Act:
    """Exceed the hard limit: for how many seconds where it is enforced, which may take a while, and where it is not."""

    def act(stage: Stage) -> Steps:
        stage.send(task, enforced if stage.conditions.hard_limits else ignored)
        yield from ()

    return act


def _limited(name: str, task: str, expect: Expect, *, hard: float = 0.0) -> Outcome:
    """A task that exceeds its limit, and the hard one if there is such a limit, in seconds."""
    return Outcome(
        name,
        overrunning(task, PATIENCE, hard + OVERRUN) if hard else sending(task),
        expect,
        times=FEW,
        remark=_hard_remark if hard else _soft_remark,
    )


def _stopped(name: str, task: str, signal: str) -> Outcome:
    return Outcome(
        name,
        terminated(task, signal),
        _terminated_plan(task),
        times=FEW,
        remark=_terminate_remark,
    )


def _interrupted(name: str, task: str, status: str, error: str = "") -> Outcome:
    """Last, because billiard remembers that it signalled the child: were it lost later, Celery would say terminated."""
    return Outcome(
        name,
        _signalled(task, "SIGINT"),
        _interrupted_plan(task, status, error),
        times=FEW,
        remark=_interrupted_remark,
        phase=Phase.AFTERMATH,
    )


VIOLENT = (
    _limited(
        "soft limit", "ledger.soft_uncaught", _soft_plan("ledger.soft_uncaught", "failure", "SoftTimeLimitExceeded")
    ),
    _limited("soft limit, caught", "ledger.soft_caught", _soft_plan("ledger.soft_caught", "success")),
    _limited("hard limit", "ledger.hard", _hard_plan, hard=LIMIT),
    _limited("soft limit, then hard", "ledger.soft_then_hard", _soft_then_hard_plan, hard=HARD_LIMIT),
    _lost("child SIGKILLed", "ledger.killed"),
    _lost("os._exit", "ledger.os_exit"),
    Outcome(
        "sys.exit",
        sending("ledger.sys_exit"),
        _lost_plan("ledger.sys_exit"),
        times=FEW,
        possible=lambda conditions: conditions.pool != "solo",
        remark=_sys_exit_remark,
    ),
    _lost("lost, reject_on_worker_lost", "ledger.lost_requeued", _lost_requeued_plan),
    Outcome(
        "lost after the result was stored",
        sending("ledger.stored_then_lost"),
        _stored_plan,
        times=FEW,
        possible=_processes,
        remark=_stored_remark,
    ),
    _stopped("terminated by SIGTERM", "ledger.terminated_term", "SIGTERM"),
    _stopped("terminated by SIGKILL", "ledger.terminated_kill", "SIGKILL"),
    _interrupted("SIGINT, then success", "ledger.terminated_int", "success"),
    _interrupted("SIGINT, then failure", "ledger.terminated_int_fails", "failure", "RuntimeError"),
)
