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
NOBODY = "http://127.0.0.1:1/"

app.conf.task_routes = {"playground.training.*": {"queue": MODELS}, "shop.report": {"queue": MODELS}}
app.conf.beat_schedule = {
    "round": {"task": "shop.round", "schedule": ROUND},
    "report": {"task": "shop.report", "schedule": 15.0},
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
    now = time.time()
    tide = 0.5 + 0.5 * math.sin(2 * math.pi * now / TIDE)
    for _ in range(round(1 + 7 * tide)):
        order.delay(random.lognormvariate(-1.6, 0.8))
    _models(int(now))
    _trouble(int(now))


def _models(second: int) -> None:
    choice = random.Random(second)
    train = {"dataset": choice.choice(DATASETS), "model": choice.choice(KINDS), "seed": second % 1000}
    # Of one class alone nothing can be learned, which the model says.
    only = {"dataset": "iris", "model": "logistic", "classes": [0]} if second % 7 == 0 else {}
    _send("playground.training.train", **{**train, **only})
    if second % 10 == 0:
        _send("playground.training.tune", dataset="wine", seed=second % 1000)
    if second % 15 == 0:
        _send("playground.training.search", {"soft_time_limit": 1}, dataset="iris", seed=second, keep_best=True)


def _trouble(second: int) -> None:
    if second % 3 == 0:
        _send("playground.fetch.page", url=NOBODY)
        order.apply_async((0.05,), countdown=1)
    if second % 10 == 1:
        order.apply_async((5.0,), time_limit=1)
        order.apply_async((5.0,), soft_time_limit=0.5)
    if second % 10 == 3:
        order.apply_async((0.1,), countdown=2, expires=1)
        order.apply_async((0.1,), queue=PARKED)
        app.send_task("shop.forgotten")
    if second % 20 == 5:
        import_catalogue.delay()


def _send(name: str, options: dict[str, float] | None = None, /, **kwargs: object) -> None:
    app.send_task(name, kwargs=kwargs, **(options or {}))
