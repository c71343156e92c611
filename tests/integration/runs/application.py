"""Tasks with runs in every place of a task where one can be."""

import contextvars
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from celery import Celery

import celery_otel
from celery_otel.subprocesses import subprocess_options
from tests.told_runs import told_run

app = Celery("trained", broker="redis://unset", backend=os.environ.get("RUNS_BACKEND"))
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_lost_wait = 0.5


def _train(label: str) -> None:
    with told_run("training", label, samples=100, features=4):
        pass


@app.task(name="runs.here")
def here() -> None:
    """In the task itself; one inside another."""
    with told_run("training", "outer", samples=100, features=4):
        _train("here")


@app.task(name="runs.fails")
def fails() -> None:
    """An exception leaves the block."""
    with told_run("training", "fails"):
        raise ValueError("as planned")


def _in_thread(work: Callable[[], Any]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@app.task(name="runs.thread")
def thread() -> None:
    """In a thread that knows nothing of the task, and in one with the task's context."""
    _in_thread(lambda: _train("thread"))
    context = contextvars.copy_context()
    _in_thread(lambda: context.run(_train, "context"))


@app.task(name="runs.fork")
def fork() -> None:
    """In a process that the task forks."""
    pid = os.fork()
    if pid == 0:
        try:
            _train("fork")
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


@app.task(name="runs.fork_killed")
def fork_killed() -> None:
    """In a process that the task forks, and that is killed in its run."""
    pid = os.fork()
    if pid == 0:
        with told_run("training", "fork_killed"):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)


PROGRAM = "from tests.told_runs import told_run\nwith told_run('training', 'program'): pass"


@app.task(name="runs.program")
def program() -> None:
    """In a program that the task starts the documented way."""
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, **subprocess_options())


@app.task(name="runs.killed")
def killed() -> None:
    """The child is killed in the middle of a search, and of a training inside it."""
    with told_run("tuning", "killed") as search:
        search.iteration(0.25)
        search.iteration(0.75)
        with told_run("training", "killed", samples=10):
            os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="runs.limited", time_limit=1)
def limited() -> None:
    """The hard limit is exceeded in a run."""
    with told_run("training", "limited"):
        time.sleep(60)


@app.task(name="runs.held")
def held() -> None:
    """Runs until it is told to stop, or for a minute."""
    with told_run("training", "held"):
        for _ in range(600):
            time.sleep(0.1)


@app.task(name="runs.idle")
def idle() -> None:
    """Trains nothing."""


celery_otel.instrument(app)
