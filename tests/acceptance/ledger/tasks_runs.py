"""Tasks that train and tune: runs that end by themselves, and runs whose process is killed."""

import contextvars
import os
import signal
import subprocess
import sys
import threading
from typing import Never

from celery.app.task import Task

from celery_otel.subprocesses import subprocess_options
from tests.acceptance.ledger.celery_app import app
from tests.acceptance.ledger.tasks_violent import spend, until_stopped
from tests.told_runs import told_run

#: What a search finds: its best score is neither the first nor the last.
SCORES = (0.25, 0.75, 0.5)
SAMPLES, FEATURES = 150, 4
#: A hard limit that leaves a busy machine the time to begin the training, in seconds.
LONG_LIMIT = 5.0
#: A program that is a run of the task that starts it.
PROGRAM = "from tests.told_runs import told_run\nwith told_run('training', 'program', samples=150, features=4): pass"

KILLED = PROGRAM.replace("'program'", "'orphan'").replace("pass", "import os; os.kill(os.getpid(), 9)")


def _train(model_type: str) -> None:
    with told_run("training", model_type, samples=SAMPLES, features=FEATURES):
        pass


@app.task(name="ledger.train")
def train() -> None:
    """Train a model."""
    _train("forest")


@app.task(name="ledger.train_fails")
def train_fails() -> Never:
    """Fail in the middle of a training, before anything is known of it."""
    with told_run("training", "broken"):
        raise ValueError("as planned")


@app.task(name="ledger.train_thread")
def train_thread() -> None:
    """Train in a thread of the task."""
    thread = threading.Thread(target=contextvars.copy_context().run, args=(_train, "thread"))
    thread.start()
    thread.join()


@app.task(name="ledger.train_program")
def train_program() -> None:
    """Train in a program."""
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, **subprocess_options())


@app.task(name="ledger.tune")
def tune() -> None:
    """Search, with a training for each candidate."""
    with told_run("tuning", "grid") as search:
        for score in SCORES:
            _train("candidate")
            search.iteration(score)


@app.task(name="ledger.tune_fails")
def tune_fails() -> Never:
    """Fail in the middle of a search, after its best score."""
    with told_run("tuning", "random") as search:
        for score in SCORES:
            search.iteration(score)
        raise ValueError("as planned")


def _in_both(task: Task, label: str) -> None:
    """Be stopped in the middle of a training, in the middle of a search."""
    with told_run("tuning", label) as search:
        for score in SCORES:
            search.iteration(score)
        with told_run("training", label, samples=SAMPLES, features=FEATURES):
            until_stopped(task)


@app.task(name="ledger.train_killed", bind=True)
def train_killed(self: Task) -> None:
    """Die as the kernel's out-of-memory killer would have it, when MAIN knows that the task runs."""
    with told_run("training", "killed", samples=SAMPLES, features=FEATURES):
        until_stopped(self)
        os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="ledger.train_program_killed")
def train_program_killed() -> int:
    """Have a program that is killed in its training, and succeed."""
    return subprocess.run([sys.executable, "-c", KILLED], check=False, **subprocess_options()).returncode


@app.task(name="ledger.train_hard", time_limit=LONG_LIMIT)
def train_hard(seconds: float) -> None:
    """Run over the hard limit in the middle of a training, if it lasts that long."""
    with told_run("training", "hard", samples=SAMPLES, features=FEATURES):
        spend(seconds)


@app.task(name="ledger.train_terminated_term", bind=True)
def train_terminated_term(self: Task) -> None:
    """Terminated by SIGTERM."""
    _in_both(self, "term")


@app.task(name="ledger.train_terminated_kill", bind=True)
def train_terminated_kill(self: Task) -> None:
    """Terminated by SIGKILL."""
    _in_both(self, "kill")


@app.task(name="ledger.train_held", bind=True)
def train_held(self: Task) -> None:
    """Still train when the worker gives its tasks up."""
    with told_run("training", "held", samples=SAMPLES, features=FEATURES):
        until_stopped(self)
