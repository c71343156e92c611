"""The application with a schedule for beat: a little of what succeeds, so that there is always something to see.

`celery -A playground.schedule beat` runs it in compose.yaml. Names of tasks are enough: beat imports none of them.
"""

from .app import app

TRAIN = "playground.training.train"

app.conf.beat_schedule = {
    "train-iris": {"task": TRAIN, "schedule": 10.0, "kwargs": {"dataset": "iris", "model": "tree", "seed": 1}},
    "train-wine": {"task": TRAIN, "schedule": 20.0, "kwargs": {"dataset": "wine", "model": "bayes", "seed": 1}},
    "tune-wine": {"task": "playground.training.tune", "schedule": 60.0, "kwargs": {"dataset": "wine", "seed": 1}},
    "count-words": {"task": "playground.texts.count_file", "schedule": 5.0, "kwargs": {"path": __file__}},
    # It ends by its soft limit, with the best that it has found so far.
    "search-digits": {
        "task": "playground.training.search",
        "schedule": 60.0,
        "kwargs": {"dataset": "digits", "seed": 1, "keep_best": True},
        "options": {"soft_time_limit": 2},
    },
}
