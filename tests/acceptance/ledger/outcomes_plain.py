"""Outcomes that the task decides and the child reports: results, exceptions, retries, refusals, canvas."""

from celery import chain, chord, group

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import Stage, Steps
from tests.acceptance.ledger.outcome import FEW, MANY, Expect, Outcome, sending
from tests.acceptance.ledger.plan import Plan, count, multiplied, ran, returned, started, total


def ends(task: str, status: str, detail: str = "") -> Expect:
    """One attempt that runs and ends so, everywhere."""

    def expect(conditions: Conditions) -> Plan:
        return ran(task, conditions.queue, status, detail)

    return expect


def _chain(stage: Stage) -> Steps:
    first, *rest = (stage.signature("ledger.step", *args) for args in ((1,), (), ()))
    chain(first, *rest, app=stage.app).apply_async()
    yield from ()


def _group(stage: Stage) -> Steps:
    group([stage.signature("ledger.member", number) for number in range(4)], app=stage.app).apply_async()
    yield from ()


def _chord(stage: Stage) -> Steps:
    header = [stage.signature("ledger.header", number) for number in range(3)]
    chord(header, stage.signature("ledger.body"), app=stage.app).apply_async()
    yield from ()


def _chord_plan(conditions: Conditions) -> Plan:
    header = multiplied(ran("ledger.header", conditions.queue, "success"), 3)
    return total(header, ran("ledger.body", conditions.queue, "success"))


def _retry_plan(conditions: Conditions) -> Plan:
    first = ran("ledger.retry", conditions.queue, "retry", "ConnectionError")
    return total(first, ran("ledger.retry", conditions.queue, "success"))


def _retry_bare_plan(conditions: Conditions) -> Plan:
    first = ran("ledger.retry_bare", conditions.queue, "retry", "Retry")
    return total(first, ran("ledger.retry_bare", conditions.queue, "success", eta=True))


def _autoretry_plan(conditions: Conditions) -> Plan:
    first = ran("ledger.autoretry", conditions.queue, "retry", "KeyError")
    return total(first, ran("ledger.autoretry", conditions.queue, "success"))


def _exhausted_plan(conditions: Conditions) -> Plan:
    retries = multiplied(ran("ledger.retries_exhausted", conditions.queue, "retry", "KeyError"), 2)
    return total(retries, ran("ledger.retries_exhausted", conditions.queue, "failure", "KeyError"))


def _requeue_plan(conditions: Conditions) -> Plan:
    """Late ack: the message goes back and runs again. Early ack: it is acknowledged already, so nothing comes back."""
    task, queue = "ledger.reject_requeue", conditions.queue
    if not conditions.acks_late:
        return ran(task, queue, "rejected")
    return total(returned(task, "requeued"), started(task, queue), ran(task, queue, "success"))


def _replace_plan(conditions: Conditions) -> Plan:
    handed_over = ran("ledger.replaced", conditions.queue, "ignored")
    return total(handed_over, ran("ledger.replacement", conditions.queue, "success"))


def _custom_request(stage: Stage) -> Steps:
    stage.send("ledger.custom_request", 0)
    stage.send("ledger.custom_request", 1)
    yield from ()


def _custom_request_plan(conditions: Conditions) -> Plan:
    task, queue = "ledger.custom_request", conditions.queue
    return total(ran(task, queue, "success"), ran(task, queue, "failure", "ValueError"))


def _eager(stage: Stage) -> Steps:
    stage.app.tasks["ledger.inner"].apply()
    stage.send("ledger.eager")
    yield from ()


def _repeated(stage: Stage) -> Steps:
    """Each twice under one id, to one worker, the second when the worker has ended the first."""
    own = stage.conditions.own_queue
    ids = [stage.send("ledger.repeated", queue=own) for _ in range(MANY)]
    yield lambda: all(stage.state(task_id) == "SUCCESS" for task_id in ids)
    yield lambda: stage.forgotten(ids)
    for task_id in ids:
        stage.send("ledger.repeated", queue=own, task_id=task_id)
    yield lambda: all(stage.journal.starts(task_id) == 2 for task_id in ids)


def _repeated_plan(conditions: Conditions) -> Plan:
    twice = multiplied(ran("ledger.repeated", conditions.own_queue, "success"), 2)
    return multiplied(total(twice, count("celery_task_duplicates_total", task_name="ledger.repeated")), MANY)


def _requeue_remark(conditions: Conditions) -> str:
    return "" if conditions.acks_late else "early ack: the message is gone, nothing is requeued"


PLAIN = (
    Outcome("success", sending("ledger.success", 1), ends("ledger.success", "success")),
    Outcome("returns None, 0 s", sending("ledger.nothing"), ends("ledger.nothing", "success")),
    Outcome("2 s", sending("ledger.two_seconds"), ends("ledger.two_seconds", "success"), times=FEW),
    Outcome("exception", sending("ledger.failure"), ends("ledger.failure", "failure", "ValueError")),
    Outcome("exception in throws", sending("ledger.throws"), ends("ledger.throws", "failure", "ExpectedError")),
    Outcome(
        "unpicklable exception",
        sending("ledger.unpicklable"),
        ends("ledger.unpicklable", "failure", "StubbornError"),
    ),
    Outcome(
        "exception that cannot be rebuilt",
        sending("ledger.unpicklable_back"),
        ends("ledger.unpicklable_back", "failure", "DemandingError"),
    ),
    Outcome(
        "unserialisable result",
        sending("ledger.unserialisable"),
        ends("ledger.unserialisable", "failure", "EncodeError"),
    ),
    Outcome("retry, with a cause", sending("ledger.retry"), _retry_plan),
    Outcome("retry, without a cause", sending("ledger.retry_bare"), _retry_bare_plan),
    Outcome("autoretry_for", sending("ledger.autoretry"), _autoretry_plan),
    Outcome("retries exhausted", sending("ledger.retries_exhausted"), _exhausted_plan),
    Outcome("Ignore", sending("ledger.ignore"), ends("ledger.ignore", "ignored")),
    Outcome("Reject", sending("ledger.reject"), ends("ledger.reject", "rejected")),
    Outcome("Reject, requeue", sending("ledger.reject_requeue"), _requeue_plan, remark=_requeue_remark),
    Outcome("custom Task.Request", _custom_request, _custom_request_plan),
    Outcome("chain of 3", _chain, lambda c: multiplied(ran("ledger.step", c.queue, "success"), 3)),
    Outcome("group of 4", _group, lambda c: multiplied(ran("ledger.member", c.queue, "success"), 4)),
    Outcome("chord of 3", _chord, _chord_plan),
    Outcome("Task.replace", sending("ledger.replaced"), _replace_plan),
    Outcome("eager", _eager, ends("ledger.eager", "success")),
    Outcome(f"duplicate of a successful task ({MANY} at once)", _repeated, _repeated_plan, times=1),
)
