"""Outcomes of tasks that train and tune: what becomes of their runs, whatever becomes of them."""

from collections.abc import Callable
from dataclasses import replace

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import Stage, Steps
from tests.acceptance.ledger.outcome import FEW, MANY, Act, Outcome, sending
from tests.acceptance.ledger.outcomes_violent import NO_CHILD, NO_HARD, NO_TERMINATE, overrunning, terminated
from tests.acceptance.ledger.plan import Plan, limit, multiplied, ran, total, trained, tuned
from tests.acceptance.ledger.tasks_runs import LONG_LIMIT, SCORES

#: Programs that are started: each takes a second of everybody's time.
PROGRAMS = 2
NO_PROGRAM = (
    "left out: in a run with programs two messages were lost, it seems to the forked copy of the worker's greenlets"
)


def _ending(name: str, task: str, status: str, error: str, *runs: Plan, times: int = MANY) -> Outcome:
    """An outcome that Celery treats alike everywhere."""

    def expect(conditions: Conditions) -> Plan:
        return total(ran(task, conditions.queue, status, error), *runs)

    return Outcome(name, sending(task), expect, times=times)


def _program(name: str, task: str, run: Plan) -> Outcome:
    """An outcome with a program, left out with gevent: see the remark."""
    return replace(
        _ending(name, task, "success", "", run, times=PROGRAMS),
        possible=lambda conditions: conditions.pool != "gevent",
        remark=lambda conditions: NO_PROGRAM if conditions.pool == "gevent" else "",
    )


def _killed_when_known(task: str) -> Act:
    """Let a task kill its child when the worker knows that it runs there: else Celery would run it once more."""

    def act(stage: Stage) -> Steps:
        task_id = stage.send(task)
        yield lambda: stage.journal.starts(task_id)
        yield lambda: stage.runs(task_id)
        stage.journal.open_gate(task_id)

    return act


def _killed_plan(conditions: Conditions) -> Plan:
    return total(ran("ledger.train_killed", conditions.queue, "failure", "worker_lost"), trained("killed", "failure"))


def _hard_plan(conditions: Conditions) -> Plan:
    task, queue = "ledger.train_hard", conditions.queue
    if not conditions.hard_limits:
        return total(ran(task, queue, "success"), trained("hard", "success"))
    return total(ran(task, queue, "failure", "timeout"), limit(task, "hard"), trained("hard", "failure"))


def _terminated_plan(task: str, label: str) -> Callable[[Conditions], Plan]:
    def expect(conditions: Conditions) -> Plan:
        if not conditions.can_terminate:
            return total(ran(task, conditions.queue, "success"), trained(label, "success"), tuned(label, "success"))
        attempt = ran(task, conditions.queue, "revoked", "terminated")
        return total(attempt, trained(label, "failure"), tuned(label, "failure"))

    return expect


def _terminated(name: str, label: str) -> Outcome:
    task = f"ledger.train_terminated_{label}"
    return Outcome(
        name,
        terminated(task, f"SIG{label.upper()}"),
        _terminated_plan(task, label),
        times=FEW,
        remark=lambda conditions: "" if conditions.can_terminate else NO_TERMINATE,
    )


SEARCH = total(tuned("grid", "success"), multiplied(trained("candidate", "success"), len(SCORES)))

RUNS: tuple[Outcome, ...] = (
    _ending("training", "ledger.train", "success", "", trained("forest", "success")),
    _ending("training fails", "ledger.train_fails", "failure", "ValueError", trained("broken", "failure", sized=False)),
    _ending("training in a thread", "ledger.train_thread", "success", "", trained("thread", "success")),
    _program("training in a program", "ledger.train_program", trained("program", "success")),
    _ending("search with a training for each candidate", "ledger.tune", "success", "", SEARCH),
    _ending("search fails", "ledger.tune_fails", "failure", "ValueError", tuned("random", "failure")),
    Outcome(
        "child SIGKILLed in a training",
        _killed_when_known("ledger.train_killed"),
        _killed_plan,
        times=FEW,
        possible=lambda conditions: conditions.processes,
        remark=lambda conditions: "" if conditions.processes else NO_CHILD,
    ),
    _program("program SIGKILLed in a training", "ledger.train_program_killed", trained("orphan", "failure")),
    Outcome(
        "hard limit in a training",
        overrunning("ledger.train_hard", 10 * LONG_LIMIT, 0.0),
        _hard_plan,
        times=FEW,
        remark=lambda conditions: "" if conditions.hard_limits else NO_HARD,
    ),
    _terminated("terminated by SIGTERM in a training in a search", "term"),
    _terminated("terminated by SIGKILL in a training in a search", "kill"),
)
