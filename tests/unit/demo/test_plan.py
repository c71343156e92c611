"""The numbers that the demo's plan expects."""

from docs.examples.demo.driver.model_run import ModelRun
from docs.examples.demo.driver.plan import STATUSES, Attempt, Job, Key, Plan, Unit

PAGE = "playground.fetch.page"
SEARCH = "playground.training.search"


def plan_of(*attempts: Attempt, task: str = PAGE) -> Plan:
    """Return a plan with one job that has these attempts."""
    return Plan(1, [Unit("single", (Job("id", task, {}, attempts),))], [PAGE, SEARCH])


def nonzero(plan: Plan) -> dict[Key, int]:
    """Return the numbers of a plan that are not 0."""
    return {key: number for key, number in plan.expected().items() if number}


def test_a_success_is_one_total_one_received_and_one_duration() -> None:
    """A task that succeeds at once is one in three series and nothing in the others."""
    expected = {
        Key("celery_task_total", PAGE, "status", "success"): 1,
        Key("celery_task_received_total", PAGE): 1,
        Key("celery_task_duration_seconds_count", PAGE, "status", "success"): 1,
    }
    assert expected == nonzero(plan_of(Attempt("success")))


def test_every_attempt_of_a_retried_job_is_counted() -> None:
    """Two retries and a success are three attempts: three received, two reasons, one success."""
    numbers = plan_of(Attempt("retry", "OSError"), Attempt("retry", "OSError"), Attempt("success")).expected()
    assert numbers[Key("celery_task_received_total", PAGE)] == 3
    assert numbers[Key("celery_task_total", PAGE, "status", "retry")] == 2
    assert numbers[Key("celery_task_retries_total", PAGE, "reason", "OSError")] == 2
    assert numbers[Key("celery_task_total", PAGE, "status", "success")] == 1


def test_what_never_started_has_no_duration() -> None:
    """A job revoked before its start is received and revoked, with its cause, and nothing else."""
    expected = {
        Key("celery_task_total", SEARCH, "status", "revoked"): 1,
        Key("celery_task_received_total", SEARCH): 1,
        Key("celery_task_revocations_total", SEARCH, "cause", "expired"): 1,
    }
    assert expected == nonzero(plan_of(Attempt("revoked", "expired", started=False), task=SEARCH))


def test_a_limit_is_counted_beside_the_status() -> None:
    """A hard limit is one timeout and one failure of type timeout."""
    numbers = plan_of(Attempt("failure", "timeout", limit="hard"), task=SEARCH).expected()
    assert numbers[Key("celery_task_timeouts_total", SEARCH, "limit", "hard")] == 1
    assert numbers[Key("celery_task_failures_total", SEARCH, "error_type", "timeout")] == 1


def test_a_job_that_never_becomes_a_message_counts_nowhere() -> None:
    """The link behind the break of a chain leaves every number at 0."""
    assert nonzero(plan_of()) == {}


def test_every_status_of_every_task_has_an_expected_number() -> None:
    """A status that never happens is expected to be 0, not left out."""
    numbers = plan_of(Attempt("success")).expected()
    totals = {(key.subject, key.value) for key in numbers if key.metric == "celery_task_total"}
    assert {(task, status) for task in (PAGE, SEARCH) for status in STATUSES} == totals


def run_numbers(run: ModelRun) -> dict[Key, int]:
    """Return the numbers of training and tuning that two jobs with the same run make."""
    jobs = tuple(Job(name, SEARCH, {}, (Attempt("success"),), run=run) for name in "ab")
    numbers = nonzero(Plan(1, [Unit("group", jobs)], [SEARCH]))
    return {key: number for key, number in numbers.items() if not key.metric.startswith("celery_task_")}


def test_a_training_is_one_run_one_model_and_its_samples_and_features() -> None:
    """Two trainings add up, by the type of the model and not by the task."""
    expected = {
        Key("celery_training_runs_total", "tree", "result", "success"): 2,
        Key("celery_training_models_total", "tree"): 2,
        Key("celery_training_samples_sum", "tree", "result", "success"): 20,
        Key("celery_training_features_sum", "tree", "result", "success"): 6,
    }
    assert expected == run_numbers(ModelRun("training", "tree", samples=10, features=3))


def test_a_training_that_fails_makes_no_model() -> None:
    """A failure is a run with samples and features, and no model."""
    numbers = run_numbers(ModelRun("training", "tree", "failure", 10, 3))
    assert {"celery_training_runs_total", "celery_training_samples_sum", "celery_training_features_sum"} == {
        key.metric for key in numbers
    }


def test_a_search_that_somebody_ends_has_no_planned_iterations() -> None:
    """Of a search without end the result alone is known, of a whole one the iterations, too."""
    endless, whole = ModelRun("tuning", "random", "failure"), ModelRun("tuning", "grid", iterations=12)
    assert {Key("celery_tuning_runs_total", "random", "result", "failure"): 2} == run_numbers(endless)
    assert 24 == run_numbers(whole)[Key("celery_tuning_iterations_sum", "grid", "result", "success")]
