"""Training and tuning: what was trained, on how much, for how long, and what searches found."""

from grafana.dashboards import variables
from grafana.dashboards.addresses import Addresses
from grafana.dashboards.board import Board
from grafana.dashboards.panels import Panel, Query, bars, graph, heat, number, ranking
from grafana.dashboards.queries import (
    JOB,
    increase,
    max_by,
    mean_within_range,
    quantile,
    rate,
    series,
    sum_by,
    within_range,
)
from grafana.dashboards.tables import Column, rows
from grafana.dashboards.units import COUNT, RATIO, SCORE, SECONDS, WHOLE

_MODEL = 'model_type=~"$model_type"'
_METHOD = 'method=~"$method"'
_FAILED = 'result="failure"'


def board(addresses: Addresses) -> Board:
    """Return the dashboard."""
    made = Board(
        "celery-training",
        "Celery: training and tuning",
        "What was trained, on how much, for how long, and how often in vain? What did searches find?",
        addresses,
        [variables.job(), variables.model_type(), variables.method()],
    )
    _summary(made)
    _training(made)
    _tuning(made)
    return made


def _runs(*filters: str) -> str:
    return sum_by("", within_range("celery_training_runs_total", JOB, _MODEL, *filters))


def _searches(*filters: str) -> str:
    return sum_by("", within_range("celery_tuning_runs_total", JOB, _METHOD, *filters))


def _summary(made: Board) -> None:
    models = sum_by("", within_range("celery_training_models_total", JOB, _MODEL))
    made.row(
        "In the time shown",
        number("Models trained", "Runs of training that succeeded.", WHOLE, Query(models)),
        number("Trainings", "Runs of training that ended.", WHOLE, Query(_runs())),
        number("Failed trainings", "Their share.", RATIO, Query(f"{_runs(_FAILED)} / {_runs()}")),
        number("Searches", "Runs of tuning that ended.", WHOLE, Query(_searches())),
        number("Failed searches", "Their share.", RATIO, Query(f"{_searches(_FAILED)} / {_searches()}")),
        number(
            "Best score",
            "The last search's, the largest of all methods.",
            SCORE,
            Query(max_by("", series("celery_tuning_best_score", JOB, _METHOD))),
        ),
    )


def _training(made: Board) -> None:
    runs = increase("celery_training_runs_total", JOB, _MODEL)
    duration = "celery_training_duration_seconds"
    failed = sum_by("model_type", within_range("celery_training_runs_total", JOB, _MODEL, _FAILED))
    ended = sum_by("model_type", within_range("celery_training_runs_total", JOB, _MODEL))
    made.row(
        "Training",
        bars(
            "Trainings",
            "Runs that ended, by model type and result.",
            COUNT,
            Query(sum_by("model_type, result", runs), "{{model_type}} {{result}}"),
        ),
        heat(
            "Duration of trainings",
            "How many runs took how long.",
            Query(sum_by("le", increase(f"{duration}_bucket", JOB, _MODEL)), "{{le}}"),
        ),
        graph(
            "Duration of trainings, p95",
            "By model type.",
            SECONDS,
            Query(quantile(0.95, "model_type", duration, JOB, _MODEL), "{{model_type}}"),
            width=8,
        ),
        rows(
            "Model types",
            "In the time shown.",
            {"model_type": "Model type"},
            Column("trainings", WHOLE, ended),
            Column("failed", RATIO, f"{failed} / {ended}"),
            Column("mean duration", SECONDS, mean_within_range("model_type", duration, JOB, _MODEL)),
            width=8,
        ),
        _mean("Samples", "celery_training_samples", "How many samples a model was trained with, on average.", width=4),
        _mean("Features", "celery_training_features", "How many features the samples had, on average.", width=4),
    )


def _mean(title: str, histogram: str, description: str, *, width: int) -> Panel:
    query = Query(mean_within_range("model_type", histogram, JOB, _MODEL), "{{model_type}}")
    return ranking(title, description, COUNT, query, width=width)


def _tuning(made: Board) -> None:
    runs = increase("celery_tuning_runs_total", JOB, _METHOD)
    iterations = mean_within_range("method", "celery_tuning_iterations", JOB, _METHOD)
    duration = "celery_tuning_duration_seconds"
    made.row(
        "Tuning",
        bars(
            "Searches",
            "Runs that ended, by method and result.",
            COUNT,
            Query(sum_by("method, result", runs), "{{method}} {{result}}"),
        ),
        graph(
            "Best score",
            "The best score of the last search that ended.",
            SCORE,
            Query(max_by("method", series("celery_tuning_best_score", JOB, _METHOD)), "{{method}}"),
        ),
        graph(
            "Duration of searches, p95",
            "By method.",
            SECONDS,
            Query(quantile(0.95, "method", duration, JOB, _METHOD), "{{method}}"),
            width=8,
        ),
        graph(
            "Iterations",
            "Candidates tried per second, by method, when their search ends.",
            COUNT,
            Query(sum_by("method", rate("celery_tuning_iterations_sum", JOB, _METHOD)), "{{method}}"),
            width=8,
        ),
        ranking(
            "Iterations of a search",
            "How many candidates a search tried, on average, in the time shown.",
            COUNT,
            Query(iterations, "{{method}}"),
        ),
    )
