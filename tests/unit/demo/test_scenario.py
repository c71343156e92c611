"""The demo's plan: the same for the same seed, with every outcome in it."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from docs.examples.demo.driver.plan import STATUSES, Key, Plan
from docs.examples.demo.driver.scenario import DATASETS, GRID, SAMPLES_OF_ONE_CLASS, TASKS, Scenario

from celery_otel_pipeline.repository import ROOT

SEEDS = (1, 2, 77)
DEMO = ROOT / "docs" / "examples" / "demo"
LIST_TASKS = """
from playground.app import app
app.loader.import_default_modules()
print(*sorted(name for name in app.tasks if not name.startswith("celery.")))
"""
LIST_SIZES = """
import json
from sklearn.model_selection import ParameterGrid
from playground.training import DATASETS, GRID, split
shapes = {name: split(name, 1)[0].shape for name in DATASETS}
one_class = split("iris", 1, [0])[0].shape
print(json.dumps({"shapes": shapes, "one_class": one_class[0], "grid": len(ParameterGrid(GRID))}))
"""


def plan_of(seed: int) -> Plan:
    """Return the demo's plan for a seed."""
    return Scenario(seed, "http://127.0.0.1:1", Path("pictures")).plan()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_makes_the_same_plan(seed: int) -> None:
    """Ids, inputs and order follow from the seed alone."""
    assert plan_of(seed) == plan_of(seed)


def test_another_seed_makes_another_order_with_the_same_numbers() -> None:
    """The seed decides inputs and order, never how many of each outcome there are."""
    assert plan_of(1).units != plan_of(2).units
    assert plan_of(1).expected() == plan_of(2).expected()


@pytest.mark.parametrize("seed", SEEDS)
def test_every_id_is_there_once(seed: int) -> None:
    """No two jobs share a task id: the witness could not tell them apart."""
    ids = Counter(job.id for job in plan_of(seed).jobs)
    assert [task_id for task_id, count in ids.items() if count > 1] == []


def test_every_status_and_every_limit_happens() -> None:
    """The demo shows each of the six statuses and both time limits."""
    attempts = [attempt for job in plan_of(1).jobs for attempt in job.attempts]
    assert set(STATUSES) == {attempt.status for attempt in attempts}
    assert {"", "soft", "hard"} == {attempt.limit for attempt in attempts}


def test_the_numbers_of_the_searches() -> None:
    """Eight searches: two end in time, four fail in three ways, two are revoked in two ways."""
    numbers = plan_of(1).expected()
    search = TASKS["search"]
    statuses = {status: numbers[Key("celery_task_total", search, "status", status)] for status in STATUSES}
    assert dict.fromkeys(STATUSES, 0) | {"success": 2, "failure": 4, "revoked": 2} == statuses
    types = ("SoftTimeLimitExceeded", "timeout", "worker_lost")
    assert [numbers[Key("celery_task_failures_total", search, "error_type", name)] for name in types] == [1, 2, 1]
    assert numbers[Key("celery_task_timeouts_total", search, "limit", "soft")] == 3


def test_the_numbers_of_the_fetches() -> None:
    """21 pages in 38 attempts: as many retries as the server's script makes necessary."""
    numbers = plan_of(1).expected()
    page = TASKS["page"]
    assert numbers[Key("celery_task_received_total", page)] == 38
    statuses = {status: numbers[Key("celery_task_total", page, "status", status)] for status in STATUSES}
    assert dict.fromkeys(STATUSES, 0) | {"success": 17, "retry": 17, "failure": 4} == statuses


def test_the_order_comes_first_and_has_a_retry_and_a_timeout() -> None:
    """The web request's trace begins while nothing else is there to wait for, and shows what the demo promises."""
    first, *others = plan_of(1).units
    ends = {job.task: [attempt.detail or attempt.status for attempt in job.attempts] for job in first.jobs}
    expected = {
        TASKS["page"]: ["ServiceUnavailable", "success"],
        TASKS["count_text"]: ["success"],
        TASKS["search"]: ["timeout"],
    }
    assert ("request", expected) == (first.kind, ends)
    assert "request" not in {unit.kind for unit in others}


def test_the_servers_script_makes_the_planned_attempts_necessary() -> None:
    """Each page is refused exactly as often as its plan has attempts that do not succeed."""
    scenario = Scenario(1, "http://127.0.0.1:1", Path("pictures"))
    pages = [job for job in scenario.plan().jobs if job.task == TASKS["page"]]
    refused = {job.kwargs["url"]: sum(attempt.status != "success" for attempt in job.attempts) for job in pages}
    script = {f"{scenario.server}{path}": len(answers) for path, answers in scenario.script.items()}
    assert script == refused


def test_the_numbers_of_trainings_and_searches() -> None:
    """18 trainings, of which two fail, and 7 searches without end, of which five are cut off, beside the grid's one."""
    numbers = plan_of(1).expected()
    trained = [numbers[Key("celery_training_models_total", model)] for model in ("bayes", "logistic", "tree")]
    assert [4, 4, 4] == trained
    assert 2 == numbers[Key("celery_training_runs_total", "logistic", "result", "failure")]
    results = [numbers[Key("celery_tuning_runs_total", "random", "result", name)] for name in ("success", "failure")]
    assert [2, 5] == results
    assert 2018 == numbers[Key("celery_training_samples_sum", "tree", "result", "success")]


def of_playground(code: str) -> str:
    """Return what code prints that may import the playground, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(DEMO), *sys.path))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout


def test_the_plan_names_the_tasks_that_the_playground_has() -> None:
    """The driver never imports the application: its task names must be the registered ones."""
    assert sorted(TASKS.values()) == of_playground(LIST_TASKS).split()


def test_the_plan_knows_the_sizes_of_the_playgrounds_data() -> None:
    """Samples, features and the grid's settings are those that the playground trains and searches with."""
    expected = {
        "shapes": {name: list(shape) for name, shape in DATASETS.items()},
        "one_class": SAMPLES_OF_ONE_CLASS,
        "grid": GRID,
    }
    assert expected == json.loads(of_playground(LIST_SIZES))
