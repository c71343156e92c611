"""scikit-learn's own searches and fits are measured as they are, with what they have found."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # scikit-learn asks for it
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import celery_otel.sklearn
from tests.unit.runs.scene import Scene, events, running_task

FEATURES, TARGET = load_iris(return_X_y=True)
DEPTHS = {"max_depth": [1, 2, 3]}
TREE = DecisionTreeClassifier(random_state=0)


@pytest.fixture
def task() -> Iterator[Scene]:
    """A task that runs here."""
    with running_task() as scene:
        yield scene


def label(task: Scene) -> str:
    """What the only run is called on the series."""
    (label,) = {run["label"] for run in task.line.runs}
    return str(label)


@pytest.mark.parametrize(
    ("name", "candidates", "search"),
    [
        ("grid", 3, GridSearchCV(TREE, DEPTHS, cv=3)),
        ("randomized", 2, RandomizedSearchCV(TREE, DEPTHS, n_iter=2, cv=3, random_state=0)),
        ("halving_grid", 4, HalvingGridSearchCV(TREE, DEPTHS, cv=3, random_state=0, min_resources=30)),
        ("grid", 3, GridSearchCV(TREE, DEPTHS, cv=3, scoring=["accuracy", "f1_macro"], refit="f1_macro")),
    ],
    ids=["grid", "random", "halving", "several metrics"],
)
def test_a_search_tells_its_candidates(task: Scene, name: str, candidates: int, search: Any) -> None:
    """Each is an iteration with its score and parameters; the best one is scikit-learn's own."""
    assert celery_otel.sklearn.fit(search, FEATURES, TARGET) is search
    assert name == label(task)
    found = (said := task.said())["attributes"]
    assert (candidates, "DecisionTreeClassifier", True) == tuple(
        found[f"celery.tuning.{key}"] for key in ("iterations", "estimator", "maximize")
    )
    assert search.best_score_ == found["celery.tuning.best_score"]
    (ended,) = events(said, "celery.tuning.run")
    assert search.best_params_["max_depth"] == ended["celery.tuning.parameter.max_depth"]
    depths = [parameters["max_depth"] for parameters in search.cv_results_["params"]]
    assert depths == [told["celery.tuning.parameter.max_depth"] for told in events(said, "celery.tuning.iteration")]


def test_a_candidate_that_cannot_be_fitted_has_no_valid_score(task: Scene) -> None:
    """Its score, which scikit-learn says is NaN, is counted as invalid."""
    search = GridSearchCV(TREE, {"max_depth": [-1, 2]}, cv=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitFailedWarning)
        warnings.filterwarnings("ignore", message="One or more of the test scores are non-finite")
        celery_otel.sklearn.fit(search, FEATURES, TARGET)
    found = task.attributes()
    assert (2, 1) == tuple(found[f"celery.tuning.{key}"] for key in ("iterations", "invalid_scores"))


def test_a_search_that_fails_is_a_failure(task: Scene) -> None:
    """What scikit-learn raises goes on."""
    with pytest.raises(ValueError, match="criterion"):
        celery_otel.sklearn.fit(
            GridSearchCV(TREE, {"criterion": ["none"]}, error_score="raise"), FEATURES, TARGET, label="mine"
        )
    assert ("mine", "failure") == (label(task), task.line.runs[-1]["result"])


def test_a_search_in_a_block_of_its_own(task: Scene) -> None:
    """`tuned` measures what is fitted inside, with what else is said; one that is not fitted has no candidates."""
    search = GridSearchCV(TREE, DEPTHS, cv=3)
    with celery_otel.sklearn.tuned(search, data="iris") as run:
        search.fit(FEATURES, TARGET)
    assert (3, search.best_score_) == (run.iterations, run.best_score)
    with celery_otel.sklearn.tuned(GridSearchCV(TREE, DEPTHS)) as run:
        pass
    assert 0 == run.iterations
    assert "iris" == task.attributes()["celery.tuning.data"]


def test_a_model_is_trained(task: Scene) -> None:
    """Fitting a model is a training by its class, of a pipeline its last step's, with samples and features."""
    model = make_pipeline(StandardScaler(), LogisticRegression())
    assert celery_otel.sklearn.fit(model, FEATURES, TARGET) is model
    assert "LogisticRegression" == label(task)
    assert (150, 4) == tuple(task.line.runs[-1][key] for key in ("samples", "features"))


@pytest.mark.parametrize(
    ("expected", "samples"),
    [
        ((3, 2), np.zeros((3, 2))),
        ((3, None), np.zeros(3)),
        ((None, None), np.zeros(())),
        ((2, None), [[1], [2]]),
        ((None, None), iter(())),
    ],
    ids=["table", "vector", "number", "lists", "iterator"],
)
def test_the_shape_of_what_is_fitted(expected: tuple[int | None, int | None], samples: Any) -> None:
    """Samples and features are told as far as they can be seen."""
    assert expected == celery_otel.sklearn._shape(samples)  # noqa: SLF001  # what `fit` sees


def test_cross_validation_is_one_training(task: Scene) -> None:
    """It gives what scikit-learn's gives, and its scores are the means."""
    found = celery_otel.sklearn.cross_validate(TREE, FEATURES, TARGET, cv=3)
    told = task.attributes()
    assert {"fit_time", "score_time", "test_score"} == set(found)
    assert (3, found["test_score"].mean()) == tuple(told[f"celery.training.{key}"] for key in ("folds", "score.value"))


def test_cross_validation_with_several_scores(task: Scene) -> None:
    """Each is told by its name."""
    celery_otel.sklearn.cross_validate(TREE, FEATURES, TARGET, cv=3, scoring=["accuracy", "f1_macro"])
    told = {key for key in task.attributes() if key.startswith("celery.training.score.")}
    assert {"celery.training.score.accuracy", "celery.training.score.f1_macro"} == told
