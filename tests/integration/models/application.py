"""An instrumented application whose tasks train and tune in every way that a task can."""

import contextvars
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from celery import Celery

import celery_otel

app = Celery("runs", broker="redis://unset", backend=os.environ.get("RUNS_BACKEND"))
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_lost_wait = 1.0
celery_otel.instrument(app)
PROGRAM = Path(__file__).with_name("program.py")


@app.task(name="runs.plain")
def plain() -> None:
    """Trains a model."""
    with celery_otel.training("plain", samples=150, features=4, data="iris") as run:
        run.score(0.9)


@app.task(name="runs.decorated")
@celery_otel.training("decorated")
def decorated(samples: int) -> None:
    """Trains a model: the task is the run."""
    celery_otel.current_training().set(samples=samples)


@app.task(name="runs.fail")
def fail() -> None:
    """Fails while it trains."""
    with celery_otel.training("fail"):
        raise ValueError("on purpose")


@app.task(name="runs.nested")
def nested(depths: list[int]) -> float | None:
    """Searches, and trains in the search."""
    with celery_otel.tuning("nested") as search:
        for depth in depths:
            with celery_otel.training("candidate") as run:
                run.score(depth / 10)
            search.iteration(score=depth / 10, depth=depth)
    return search.best_score


@app.task(name="runs.threads")
def threads(number: int) -> None:
    """Trains in threads of its own."""

    def train() -> None:
        with celery_otel.training("thread") as run:
            run.score(0.5)

    _together([threading.Thread(target=contextvars.copy_context().run, args=(train,)) for _ in range(number)])


def _together(started: list[threading.Thread]) -> None:
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


@app.task(name="runs.program")
def program() -> None:
    """Trains in another program."""
    subprocess.run([sys.executable, str(PROGRAM)], check=True, **celery_otel.subprocess_options())  # our own


@app.task(name="runs.die")
def die() -> None:
    """Is killed while it trains, as the system kills when memory runs out."""
    with celery_otel.training("die", samples=7):
        os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="runs.die_searching")
def die_searching() -> None:
    """Is killed while it searches."""
    with celery_otel.tuning("die") as search:
        for number in range(5):
            search.iteration(score=number)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    # As a script: the task runs where it is called.
    plain.apply(throw=True)
