"""Setting what happened beside what Prometheus says."""

from docs.examples.demo.driver.comparison import compare, differing, read
from docs.examples.demo.driver.plan import Key

from celery_otel_pipeline.samples import Sample

SUCCESS = Key("celery_task_total", "app.add", "status", "success")
FAILURE = Key("celery_task_total", "app.add", "status", "failure")


def test_equal_numbers_do_not_differ() -> None:
    """The same number on both sides is a row, and no difference."""
    rows = compare({SUCCESS: 3}, {SUCCESS: 3.0})
    assert len(rows) == 1
    assert differing(rows) == []


def test_one_too_many_differs() -> None:
    """A task that Prometheus counted twice is a difference."""
    assert [row.key for row in differing(compare({SUCCESS: 3}, {SUCCESS: 4.0}))] == [SUCCESS]


def test_a_missing_series_differs_from_a_number_but_not_from_zero() -> None:
    """What Prometheus does not show is a difference only where something happened."""
    assert [row.key for row in differing(compare({SUCCESS: 1, FAILURE: 0}, {}))] == [SUCCESS]


def test_what_nobody_planned_differs() -> None:
    """A series that the plan does not explain is a row of its own, and a difference."""
    assert [row.key for row in differing(compare({SUCCESS: 1}, {SUCCESS: 1.0, FAILURE: 1.0}))] == [FAILURE]


def test_reading_takes_each_metric_with_its_own_label() -> None:
    """Prometheus's answers become keys with the metric's own label, added up over the workers."""
    answers = {
        "sum by (task_name, status) (celery_task_total)": [
            Sample({"task_name": "app.add", "status": "success"}, 3.0, 0.0)
        ],
        "sum by (task_name) (celery_active_tasks)": [Sample({"task_name": "app.add"}, 1.0, 0.0)],
        "sum by (model_type) (celery_training_models_total)": [Sample({"model_type": "tree"}, 2.0, 0.0)],
        'sum by (method) (celery_tuning_best_score{method="grid"})': [Sample({"method": "grid"}, 0.5, 0.0)],
    }
    expected = {
        SUCCESS: 3.0,
        Key("celery_active_tasks", "app.add"): 1.0,
        Key("celery_training_models_total", "tree"): 2.0,
        Key("celery_tuning_best_score", "grid"): 0.5,
    }
    assert expected == read(lambda expression: answers.get(expression, []))
