"""The demo's playground with a schedule: beat sends a round each second, and a round publishes all kinds of work.

Started by workers and by beat only, with `playground` on their path: whoever imports it is instrumented.
"""

import math
import os
import random
import signal
import time

from celery.schedules import crontab
from playground.app import app  # type: ignore[import-not-found]  # on the path of those who start it

ROUND = 1.0
#: Seconds from one high tide of work to the next.
TIDE = 240.0
MODELS, PARKED = "models", "parked"
DATASETS = ("breast_cancer", "digits", "iris", "wine")
KINDS = ("bayes", "logistic", "neighbours", "tree")
#: Share of the trainings that must fail.
VAIN = 0.1
NOBODY = "http://127.0.0.1:1/"

app.conf.task_routes = {"playground.training.*": {"queue": MODELS}, "shop.report": {"queue": MODELS}}
app.conf.beat_schedule = {
    "round": {"task": "shop.round", "schedule": ROUND},
    "trouble": {"task": "shop.trouble", "schedule": 5.0},
    "import": {"task": "shop.import_catalogue", "schedule": 15.0},
    "report": {"task": "shop.report", "schedule": 15.0},
    "tune": {"task": "playground.training.tune", "schedule": 10.0, "kwargs": {"dataset": "wine", "seed": 1}},
    "search": {
        "task": "playground.training.search",
        "schedule": 15.0,
        "kwargs": {"dataset": "iris", "seed": 1, "keep_best": True},
        "options": {"soft_time_limit": 1},
    },
    "nightly": {"task": "shop.report", "schedule": crontab(hour="3", minute="0")},
}


@app.task(name="shop.order")
def order(seconds: float) -> float:
    """Take some time."""
    time.sleep(seconds)
    return seconds


@app.task(name="shop.report")
def report() -> None:
    """Take a moment."""
    time.sleep(0.2)


@app.task(name="shop.import_catalogue")
def import_catalogue() -> None:
    """Take more memory than there is: the system ends the process."""
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="shop.round")
def one_round() -> None:
    """Publish one second's work: more at high tide."""
    tide = 0.5 + 0.5 * math.sin(2 * math.pi * time.time() / TIDE)
    for _ in range(round(1 + 5 * tide)):
        order.delay(random.lognormvariate(-1.6, 0.8))
    # Of one class alone nothing can be learned, which the model says.
    only = {"dataset": "iris", "model": "logistic", "classes": [0]} if random.random() < VAIN else {}
    train = {"dataset": random.choice(DATASETS), "model": random.choice(KINDS), "seed": random.randrange(1000)}
    app.send_task("playground.training.train", kwargs={**train, **only})


@app.task(name="shop.trouble")
def trouble() -> None:
    """Publish what fails, is retried, runs into limits, comes too late, is not known, and what nobody takes."""
    app.send_task("playground.fetch.page", kwargs={"url": NOBODY})
    order.apply_async((0.05,), countdown=1)
    order.apply_async((5.0,), time_limit=1)
    order.apply_async((5.0,), soft_time_limit=0.5)
    order.apply_async((0.1,), countdown=2, expires=1)
    order.apply_async((0.1,), queue=PARKED)
    app.send_task("shop.forgotten")
