"""Optuna's studies as searches: every trial is an iteration.

```python
study = optuna.create_study(direction="maximize")
celery_otel.optuna.optimize(study, objective, n_trials=50)
```
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from celery_otel.measured_run import HARMLESS
from celery_otel.tuning_run import TuningRun, tuning

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

    Objective = Callable[[Trial], float]
    Callback = Callable[[Study, FrozenTrial], None]


def optimize(
    study: "Study",
    objective: "Objective",
    *,
    method: str | None = None,
    callbacks: "Iterable[Callback] | None" = None,
    **options: Any,
) -> None:
    """The same as `study.optimize`, as one search.

    Args:
        study: The study. Trials that it has had before do not count.
        objective: What is optimized.
        method: What the search is called; by default as the study's sampler.
        callbacks: Further callbacks.
        options: Further options of `study.optimize`.
    """
    with tuning(method or method_of(study), study=study.study_name) as search:
        study.optimize(objective, callbacks=[callback(search), *(callbacks or ())], **options)


def callback(search: TuningRun) -> "Callback":
    """What tells a search of each trial that ends, for `study.optimize(objective, callbacks=[...])`.

    The search gets the study's direction, and its best score is that of the best trial that is complete and keeps to
    the study's constraints. Pruned and failed trials are iterations without a score; so are those of a study with
    several objectives, which has no single best one.

    Args:
        search: The search.
    """

    def tell(study: "Study", trial: "FrozenTrial") -> None:
        with HARMLESS:
            _tell(search, study, trial)

    return tell


def method_of(study: "Study") -> str:
    """The name of a study's sampler, in small letters and without `Sampler`: `tpe`, `random`, `grid`."""
    return type(study.sampler).__name__.removesuffix("Sampler").lower()


def _tell(search: TuningRun, study: "Study", trial: "FrozenTrial") -> None:
    several = len(study.directions) > 1
    if not several and search.maximize != (maximize := study.direction.name == "MAXIMIZE"):
        search.maximize = maximize
    complete = trial.state.name == "COMPLETE"
    search.tell(
        trial.value if complete and not several else None,
        trial.params,
        counts=_is_feasible(trial),
        state=None if complete else trial.state.name.lower(),
    )


def _is_feasible(trial: "FrozenTrial") -> bool:
    # Optuna 4 has no name of its own for them.
    told = getattr(trial, "constraints", None)
    constraints = trial.system_attrs.get("constraints") or () if told is None else told.values()
    return all(constraint <= 0 for constraint in constraints)
