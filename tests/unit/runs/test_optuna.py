"""Optuna's own studies are measured as they are, with their direction and their best trial."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import optuna
import pytest
from opentelemetry.sdk.trace import ReadableSpan

import celery_otel.optuna
from celery_otel.run_block import Block
from celery_otel.tuning_run import _CURRENT, TuningRun
from tests.unit.runs.scene import Scene


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Optuna logs every trial."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def searched(study: optuna.Study, objective: Any, **options: Any) -> tuple[TuningRun, ReadableSpan]:
    """The search of a study, and its span."""
    scene = Scene(task=False)
    with Block(lambda: TuningRun("tpe", around=scene.around), _CURRENT) as search:
        study.optimize(objective, callbacks=[celery_otel.optuna.callback(search)], **options)
    (span,) = scene.spans()
    return search, span


def parabola(trial: optuna.Trial) -> float:
    """The smallest value is at 2."""
    return float((trial.suggest_float("x", -10, 10) - 2) ** 2)


def sampler() -> optuna.samplers.BaseSampler:
    """One that draws the same each time."""
    return optuna.samplers.TPESampler(seed=0)


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_every_trial_is_an_iteration_and_the_best_is_the_study_s(direction: Literal["minimize", "maximize"]) -> None:
    """The search takes the study's direction, whatever it was told before."""
    study = optuna.create_study(direction=direction, sampler=sampler())
    search, span = searched(study, parabola, n_trials=20)
    assert (20, study.best_value, study.best_params) == (search.iterations, search.best_score, search.best_parameters)
    assert span.attributes is not None
    assert (direction == "maximize") is span.attributes["celery.tuning.maximize"]
    assert 20 == [event.name for event in span.events].count("celery.tuning.iteration")


def test_pruned_and_failed_trials_have_no_score() -> None:
    """They are iterations, say what became of them, and are never the best, as in the study."""

    def objective(trial: optuna.Trial) -> float:
        value = trial.suggest_int("x", 0, 100)
        trial.report(-1000, step=0)
        if trial.number == 0:
            raise optuna.TrialPruned
        if trial.number == 1:
            raise ValueError("on purpose")
        return float(value)

    study = optuna.create_study(sampler=sampler())
    search, span = searched(study, objective, n_trials=5, catch=(ValueError,))
    assert (5, study.best_value) == (search.iterations, search.best_score)
    told: list[Mapping[str, Any]] = [event.attributes or {} for event in span.events]
    states = [event.get("celery.tuning.state") for event in told]
    assert ["pruned", "fail", None, None, None] == states[:5]
    assert ["celery.tuning.score" in event for event in told[:5]] == [False, False, True, True, True]


def test_a_study_with_several_objectives_has_no_best_score() -> None:
    """Its trials are iterations."""
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler())
    search, _ = searched(study, lambda trial: (parabola(trial), 1.0), n_trials=3)
    assert (3, None) == (search.iterations, search.best_score)


def test_trials_that_break_a_constraint_are_not_the_best() -> None:
    """The best one is the best of those that keep to the study's constraints, as in the study."""

    def objective(trial: optuna.Trial) -> float:
        value = parabola(trial)
        trial.set_constraint("x", 5 - trial.params["x"])
        return value

    study = optuna.create_study(sampler=sampler())
    search, _ = searched(study, objective, n_trials=20)
    assert study.best_value == search.best_score


def test_trials_in_threads_are_all_counted() -> None:
    """A study that runs several trials at once tells each."""
    search, _ = searched(optuna.create_study(sampler=sampler()), parabola, n_trials=30, n_jobs=3)
    assert 30 == search.iterations


def test_a_study_in_one_call() -> None:
    """`optimize` is the study's own, with its options, its further callbacks, and a search around it."""
    seen: list[float | None] = []
    study = optuna.create_study(direction="maximize", sampler=sampler())
    celery_otel.optuna.optimize(
        study, parabola, n_trials=4, callbacks=[lambda _, __: seen.append(celery_otel.current_tuning().best_score)]
    )
    assert 4 == len(study.trials)
    assert study.best_value == seen[-1]


@pytest.mark.parametrize(
    ("expected", "made"),
    [
        ("tpe", sampler()),
        ("random", optuna.samplers.RandomSampler()),
        ("grid", optuna.samplers.GridSampler({"x": [1]})),
    ],
)
def test_a_method_is_called_as_its_sampler(expected: str, made: optuna.samplers.BaseSampler) -> None:
    """In small letters and without `Sampler`."""
    assert expected == celery_otel.optuna.method_of(optuna.create_study(sampler=made))
