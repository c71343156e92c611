"""Tasks whose end the child cannot report, or not alone: limits, kills, exits, terminations, memory."""

import os
import signal
import sys
import time
from typing import Any, Never

from billiard import current_process
from celery.app.task import Task
from celery.exceptions import SoftTimeLimitExceeded

from tests.acceptance.ledger.celery_app import app, journal

#: A soft limit that the body catches, in seconds: it must not fire before the child has come to the body.
SOFT_LIMIT = 1.5
#: The hard limit of a task that catches its soft one, in seconds.
HARD_LIMIT = 2.0
#: The limit of the other limited tasks, in seconds.
LIMIT = 1.0
#: How much longer than its limit the body of a limited task lasts where nobody enforces that, in seconds.
OVERRUN = 0.6
#: How long it lasts where somebody does, who may be late on a busy machine.
PATIENCE = 30.0
#: What a hungry task takes, a piece after the other: bounded, in case nobody limits it.
MEGABYTE, HUNGER = 1024 * 1024, 128
#: What multiprocessing calls a process that is nobody's child.
MAIN_PROCESS = "MainProcess"


def spend(seconds: float) -> None:
    """Pass the time in small sleeps, so that every pool can interrupt it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.02)


def overrun(limit: float) -> None:
    """Run over the soft limit, which MAIN enforces in its children alone."""
    spend(PATIENCE if current_process().name != MAIN_PROCESS else limit + OVERRUN)


@app.task(name="ledger.soft_uncaught", soft_time_limit=LIMIT)
def soft_uncaught() -> str:
    """Run over the soft limit and let its exception through."""
    overrun(LIMIT)
    return "nobody stopped me"


@app.task(name="ledger.soft_caught", soft_time_limit=SOFT_LIMIT)
def soft_caught() -> str:
    """Run over the soft limit and catch its exception."""
    try:
        overrun(SOFT_LIMIT)
    except SoftTimeLimitExceeded:
        return "stopped in time"
    return "nobody stopped me"


@app.task(name="ledger.hard", time_limit=LIMIT)
def hard(seconds: float) -> str:
    """Run over the hard limit for so long, unless somebody enforces it."""
    spend(seconds)
    return "nobody stopped me"


@app.task(name="ledger.soft_then_hard", soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def soft_then_hard(seconds: float) -> str:
    """Catch the soft limit, go on, and meet the hard one."""
    try:
        spend(seconds)
    except SoftTimeLimitExceeded:
        spend(seconds)
    return "nobody stopped me"


@app.task(name="ledger.killed")
def killed() -> None:
    """Die as the kernel's out-of-memory killer would have it."""
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="ledger.os_exit")
def os_exit() -> Never:
    """Leave the process without a word."""
    os._exit(3)


@app.task(name="ledger.sys_exit")
def sys_exit() -> Never:
    """Leave the process politely."""
    sys.exit(3)


@app.task(name="ledger.memory_error")
def memory_error() -> Never:
    """Run out of memory: Celery ends the whole worker."""
    raise MemoryError("as planned")


@app.task(name="ledger.hungry", bind=True)
def hungry(self: Task) -> str:
    """Ask for more memory than a limit allows that the driver has set by the time it opens the gate."""
    until_stopped(self)
    taken = [bytearray(os.urandom(MEGABYTE)) for _ in range(HUNGER)]
    return f"{len(taken)} MB and nobody stopped me"


@app.task(name="ledger.lost_requeued", bind=True, acks_late=True, reject_on_worker_lost=True)
def lost_requeued(self: Task) -> str:
    """Kill the first child, succeed when the message comes back.

    The message says whether it came back. Counting runs would not do: a child that dies before MAIN has read that it
    took the task is replaced by Celery without a word, and the task runs again within the same attempt.
    """
    if self.request.delivery_info["redelivered"]:
        return "second time"
    os.kill(os.getpid(), signal.SIGKILL)
    return "unreachable"


class DiesAfterSuccess(Task):
    """A task whose child is lost when its result is already stored."""

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:  # noqa: ARG002 - Celery's names
        """Kill the child: MAIN must find out by itself that the task succeeded."""
        os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="ledger.stored_then_lost", base=DiesAfterSuccess)
def stored_then_lost() -> str:
    """Succeed, then lose the worker."""
    return "stored"


def until_stopped(task: Task) -> str:
    """Say that the body runs, and go on until somebody stops it or opens its gate."""
    journal().start(task.request.id)
    journal().wait_gate(task.request.id)
    return "nobody stopped me"


@app.task(name="ledger.terminated_term", bind=True)
def terminated_term(self: Task) -> str:
    """Terminated by SIGTERM."""
    return until_stopped(self)


@app.task(name="ledger.terminated_kill", bind=True)
def terminated_kill(self: Task) -> str:
    """Terminated by SIGKILL."""
    return until_stopped(self)


@app.task(name="ledger.terminated_int", bind=True)
def terminated_int(self: Task) -> str:
    """Terminated by SIGINT, which a child ignores: it succeeds all the same."""
    return until_stopped(self)


@app.task(name="ledger.terminated_int_fails", bind=True)
def terminated_int_fails(self: Task) -> Never:
    """Terminated by SIGINT, which a child ignores: it fails by itself."""
    until_stopped(self)
    raise RuntimeError("by itself")
