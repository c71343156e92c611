"""scikit-learn's searches and fits, measured: each in one call that takes the place of its own.

```python
celery_otel.sklearn.fit(GridSearchCV(model, grid), X, y)
```
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sklearn import model_selection
from sklearn.model_selection._search import BaseSearchCV

from celery_otel.measured_run import HARMLESS
from celery_otel.training_run import TrainingRun, training
from celery_otel.tuning_run import TuningRun, tuning


def fit(
    estimator: Any,
    X: Any,  # noqa: N803  # scikit-learn's own names
    y: Any = None,
    *,
    label: str | None = None,
    **options: Any,
) -> Any:
    """The same as `estimator.fit(X, y)`: a search is measured as `tuning`, everything else as `training`.

    The candidates of a search are told when it has ended, which is when scikit-learn tells them.

    Args:
        estimator: A model, a pipeline, or a search such as `GridSearchCV`.
        X: The samples.
        y: What they are.
        label: What the run is called on the series; by default the model's class (of a pipeline its last step's), or
            the search's without `SearchCV`, such as `grid`.
        options: Further arguments of `estimator.fit`.

    Returns:
        The estimator, fitted.
    """
    if isinstance(estimator, BaseSearchCV):
        with tuned(estimator, method=label):
            return estimator.fit(X, y, **options)
    samples, features = _shape(X)
    with training(label or _model_of(estimator), samples=samples, features=features):
        return estimator.fit(X, y, **options)


@contextmanager
def tuned(search: Any, *, method: str | None = None, **attributes: Any) -> Iterator[TuningRun]:
    """Measures a search that is fitted inside.

    `with celery_otel.sklearn.tuned(search): search.fit(X, y)`

    Args:
        search: `GridSearchCV`, `RandomizedSearchCV`, one of the halving ones, or another one built like these.
        method: What it is called on the series; by default its class without `SearchCV`, such as `grid`.
        attributes: What else is known: attributes `celery.tuning.<name>` of the span.
    """
    known = {"estimator": _model_of(search.estimator), **attributes}
    with tuning(method or method_of(search), **known) as run:
        yield run
        with HARMLESS:
            _tell_candidates(run, search)


def cross_validate(
    estimator: Any,
    X: Any,  # noqa: N803  # scikit-learn's own names
    y: Any = None,
    *,
    label: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The same as scikit-learn's `cross_validate`, as one training whose scores are the means of all folds.

    Args:
        estimator: A model or a pipeline.
        X: The samples.
        y: What they are.
        label: What the run is called on the series; by default the model's class, of a pipeline its last step's.
        options: Further arguments of `cross_validate`.

    Returns:
        What scikit-learn's returns.
    """
    samples, features = _shape(X)
    with training(label or _model_of(estimator), samples=samples, features=features) as run:
        found: dict[str, Any] = model_selection.cross_validate(estimator, X, y, **options)
        with HARMLESS:
            _tell_scores(run, found)
        return found


def method_of(search: Any) -> str:
    """The name of a search's class without `SearchCV`: `grid`, `randomized`, `halving_grid`, `halving_random`."""
    words = type(search).__name__.removesuffix("SearchCV")
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in words).strip("_")


def _model_of(estimator: Any) -> str:
    steps = getattr(estimator, "steps", None)
    return type(steps[-1][1] if steps else estimator).__name__


def _shape(samples: Any) -> tuple[int | None, int | None]:
    """Numbers of samples and features, of an array, a table, a sparse matrix or a list of lists."""
    shape: Sequence[int] | None = getattr(samples, "shape", None)
    if shape is not None:
        return (*shape, None, None)[0], (shape[1] if len(shape) == _TABLE else None)
    return (len(samples) if hasattr(samples, "__len__") else None), None


_TABLE = 2
"""Dimensions of what has samples in its rows and features in its columns."""


def _tell_scores(run: TrainingRun, found: Mapping[str, Any]) -> None:
    folds = found["fit_time"]
    means = {name.removeprefix("test_"): scores.mean() for name, scores in found.items() if name.startswith("test_")}
    run.set(folds=len(folds))
    # `score` is what scikit-learn calls the only one.
    run.score(means.pop("score", None), **means)


def _tell_candidates(run: TuningRun, search: Any) -> None:
    results = getattr(search, "cv_results_", None)
    if results is None:
        return
    scores = results[f"mean_test_{_metric(search)}"]
    # Those that are halved away are scored by fewer samples: only the last round is compared.
    rounds = results.get("iter")
    last = None if rounds is None else max(rounds)
    for number, parameters in enumerate(results["params"]):
        run.tell(scores[number], parameters, counts=rounds is None or rounds[number] == last)


def _metric(search: Any) -> str:
    """The score that a search goes by; of several of which it names none, the first."""
    if not search.multimetric_:
        return "score"
    return search.refit if isinstance(search.refit, str) else next(iter(search.scorer_))
