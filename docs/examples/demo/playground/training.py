"""Train and tune small models on the data sets that scikit-learn brings along.

What measures them is `celery_otel.training` around a training, and `celery_otel.tuning` around a search.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from celery.exceptions import SoftTimeLimitExceeded
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import celery_otel
from celery_otel.tuning_run import TuningRun

from .app import app
from .journal import JournaledTask

DATASETS = {
    "breast_cancer": load_breast_cancer,
    "digits": load_digits,
    "iris": load_iris,
    "wine": load_wine,
}
MODELS = {
    "bayes": GaussianNB,
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
    "neighbours": lambda: make_pipeline(StandardScaler(), KNeighborsClassifier()),
    "tree": lambda: DecisionTreeClassifier(random_state=0),
}
# Many more than any limit of the demo allows: where no worker is left to stop it, a search ends all the same.
MOST_CANDIDATES = 5000
GRID = {"max_depth": [2, 4, 8, 16], "min_samples_leaf": [1, 4, 8]}


def split(dataset: str, seed: int, classes: Sequence[int] | None = None) -> list[Any]:
    """Load a data set and split it into training and test parts.

    Args:
        dataset: One of `DATASETS`.
        seed: Decides which samples are for testing.
        classes: Keep only the samples of these classes; all of them when None.

    Returns:
        Training features, test features, training labels, test labels.
    """
    features, labels = DATASETS[dataset](return_X_y=True)
    if classes is not None:
        kept = np.isin(labels, classes)
        features, labels = features[kept], labels[kept]
    return list(train_test_split(features, labels, random_state=seed))


@app.task(base=JournaledTask)
def train(dataset: str, model: str, seed: int, classes: Sequence[int] | None = None) -> dict[str, Any]:
    """Train one model and score it on the samples it has not seen.

    Raises:
        KeyError: There is no such data set or model.
        ValueError: The chosen classes leave the model nothing to tell apart.
    """
    train_features, test_features, train_labels, test_labels = split(dataset, seed, classes)
    samples, features = train_features.shape
    with celery_otel.training(model, samples=samples, features=features, dataset=dataset) as run:
        estimator = MODELS[model]().fit(train_features, train_labels)
        score = float(estimator.score(test_features, test_labels))
        run.score(score)
    return {"dataset": dataset, "model": model, "score": score}


@app.task(base=JournaledTask)
def best(scores: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Choose the model with the best score of those that were trained."""
    return max(scores, key=lambda score: float(score["score"]))


@app.task(base=JournaledTask)
def tune(dataset: str, seed: int) -> dict[str, Any]:
    """Try every setting of a small grid and return the best one."""
    train_features, _, train_labels, _ = split(dataset, seed)
    search = GridSearchCV(DecisionTreeClassifier(random_state=0), GRID, cv=3)
    celery_otel.sklearn.fit(search, train_features, train_labels)
    return {"dataset": dataset, "score": float(search.best_score_), "setting": search.best_params_}


def candidates(seed: int) -> Iterator[dict[str, int]]:
    """Draw settings of a decision tree, without end."""
    generator = np.random.default_rng(seed)
    while True:
        depth, leaf = (int(number) for number in generator.integers((2, 1), (20, 15)))
        yield {"max_depth": depth, "min_samples_leaf": leaf}


@app.task(base=JournaledTask, bind=True)
def search(self: JournaledTask, dataset: str, seed: int, *, keep_best: bool = False) -> dict[str, Any]:
    """Look for better and better settings: a runaway that a time limit, or somebody, has to end.

    Args:
        self: The task.
        dataset: One of `DATASETS`.
        seed: Decides what is tried, and in which order.
        keep_best: At the soft time limit return the best so far instead of failing.

    Raises:
        SoftTimeLimitExceeded: The soft limit came and nobody wants the best so far.
    """
    with celery_otel.tuning("random", dataset=dataset) as tuning:
        self.note("searching")
        try:
            improve(tuning, split(dataset, seed), candidates(seed))
        except SoftTimeLimitExceeded:
            if not keep_best:
                raise
            self.note("soft_limit")
    return {"dataset": dataset, "score": tuning.best_score, "tried": tuning.iterations}


def improve(tuning: TuningRun, data: Sequence[Any], settings: Iterator[dict[str, int]]) -> None:
    """Train with one setting after the other, and tell the score of each."""
    train_features, test_features, train_labels, test_labels = data
    for setting in islice(settings, MOST_CANDIDATES):
        tree = DecisionTreeClassifier(random_state=0, **setting).fit(train_features, train_labels)
        tuning.iteration(score=float(tree.score(test_features, test_labels)), **setting)
