"""What happens to single processes and clocks of the workers, and what becomes of the tasks is known in advance."""

import os
import random
import signal
from collections.abc import Callable

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import Steps
from tests.acceptance.ledger.outcome import Outcome
from tests.acceptance.ledger.plan import Plan, multiplied, ran
from tests.chaos.event import Event
from tests.chaos.moments import later, unseen
from tests.chaos.place import Need, Place

#: Children that die in a round.
KILLS = 3
#: How far a clock is set forward, then back, in seconds: less than the visibility timeout, else Redis delivers again.
STEP = 900
RUNNING, HUNGRY = "ledger.gated", "ledger.hungry"
#: Outcomes that the time of day decides.
BY_THE_CLOCK = (
    "ETA and countdown",
    "expired",
    "expired while ETA waits",
    "retry, without a cause",
    "revoked while ETA waits",
)


def _processes(conditions: Conditions) -> bool:
    return conditions.processes


def _no_greenlets(conditions: Conditions) -> bool:
    return conditions.pool in {"prefork", "threads"}


def _lost(task: str) -> Callable[[Conditions], Plan]:
    def plan(conditions: Conditions) -> Plan:
        return multiplied(ran(task, conditions.queue, "failure", "worker_lost"), KILLS)

    return plan


def _child_killed(place: Place, chance: random.Random) -> Steps:
    """SIGKILL from outside, while a task runs in it that MAIN knows to run."""
    for _ in range(KILLS):
        yield later(place.pipeline, chance)
        task_id = place.scene.stage.send(RUNNING)
        pids: list[int] = []
        yield lambda: pids or _found(place, task_id, pids)  # noqa: B023 - asked before the next one is made
        os.kill(pids[0], signal.SIGKILL)


def _idle_child_killed(place: Place, chance: random.Random) -> Steps:
    """SIGKILL while it waits for a task, some in each worker; those that take their places are awaited."""
    scene = place.scene
    for name, worker in (("first", scene.first), ("second", scene.second)):
        yield lambda: scene.journal.children(name) >= scene.conditions.slots  # noqa: B023 - asked before the next
        before = scene.journal.children(name)
        victims = chance.sample(worker.children[: scene.conditions.slots], chance.randint(1, KILLS))
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        yield lambda: scene.journal.children(name) >= before + len(victims)  # noqa: B023 - asked before the next


def _out_of_memory(place: Place, chance: random.Random) -> Steps:
    """The kernel kills a child that asks for more than its limit."""
    for _ in range(KILLS):
        yield later(place.pipeline, chance)
        task_id = place.scene.stage.send(HUNGRY)
        pids: list[int] = []
        yield lambda: pids or _found(place, task_id, pids)  # noqa: B023 - asked before the next one is made
        place.memory.hold(pids[0])
        place.scene.journal.open_gate(task_id)
        yield lambda: place.scene.stage.state(task_id) == "FAILURE"  # noqa: B023 - asked before the next


def _found(place: Place, task_id: str, pids: list[int]) -> bool:
    """Look for the child that runs a task, as the worker itself knows it."""
    if place.scene.journal.starts(task_id):
        tasks = [task for answer in place.scene.stage.asked("active") for task in answer]
        pids += [int(task["worker_pid"]) for task in tasks if task["id"] == task_id and task["worker_pid"]]
    return bool(pids)


def _clock_stepped(place: Place, chance: random.Random) -> Steps:
    """A quarter of an hour forward, half an hour back, and right again, a few exports each."""
    yield later(place.pipeline, chance)
    for seconds in (STEP, -STEP, 0):
        place.clock.set(seconds)
        yield unseen(place.pipeline, chance)


def _whatever_the_time(outcome: Outcome) -> bool:
    return not outcome.name.startswith(BY_THE_CLOCK)


CHILDREN = (
    Event(
        "child", "children are killed while they run a task", _child_killed, plan=_lost(RUNNING), possible=_processes
    ),
    Event("idle", "idle children are killed", _idle_child_killed, possible=_processes, early=True),
    Event(
        "memory",
        "the kernel kills children for want of memory",
        _out_of_memory,
        needs=frozenset({Need.MEMORY}),
        plan=_lost(HUNGRY),
        possible=_processes,
    ),
    Event(
        "clock",
        "the workers' clock is set forward and back",
        _clock_stepped,
        needs=frozenset({Need.CLOCK}),
        possible=_no_greenlets,
        alone=True,
        allows=_whatever_the_time,
    ),
)
