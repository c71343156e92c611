"""Measures the training of a model.

```python
with celery_otel.training("random_forest", samples=len(X)) as run:
    model.fit(X, y)
    run.score(model.score(X_test, y_test))
```
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import Any, SupportsFloat, SupportsInt

from celery_otel import attributes
from celery_otel.core.run import TRAINING
from celery_otel.measured_run import SURROUNDINGS, MeasuredRun, Surroundings
from celery_otel.run_block import Block
from celery_otel.told_values import finite, whole


class TrainingRun(MeasuredRun):
    """A training that runs, as `training` gives it.

    Args:
        model_type: What kind of model.
        samples: How many samples it is trained with.
        features: How many features they have.
        attributes: What else is known.
        around: What is around it.
    """

    def __init__(
        self,
        model_type: str,
        samples: SupportsInt | None = None,
        features: SupportsInt | None = None,
        attributes: Mapping[str, Any] | None = None,
        around: Surroundings = SURROUNDINGS,
    ) -> None:
        super().__init__(TRAINING, model_type, around)
        with around.harmless:
            self._tell({MODEL_TYPE: self._run.label})
            self._know(samples, features)
            self._set(attributes or {})

    def set(
        self, *, samples: SupportsInt | None = None, features: SupportsInt | None = None, **attributes: Any
    ) -> None:
        """Says what is known by now.

        Args:
            samples: How many samples it is trained with; a series, too.
            features: How many features they have; a series, too.
            attributes: Anything; attributes `celery.training.<name>` of the span, a mapping one for each of its keys.
        """
        with self._around.harmless:
            if not self._elsewhere():
                self._know(samples, features)
                self._set(attributes)

    def score(self, value: SupportsFloat | None = None, /, **scores: SupportsFloat) -> None:
        """Says how good the model is: attributes `celery.training.score.<name>` of the span.

        Args:
            value: The score, if there is one only; its name is `value`.
            scores: Scores by their name.
        """
        told = scores if value is None else {"value": value, **scores}
        with self._around.harmless:
            if self._elsewhere():
                return
            found = {name: finite(score) for name, score in told.items()}
            if wrong := [f"{name}={told[name]!r}" for name, score in found.items() if score is None]:
                self._say("score", f"{', '.join(wrong)[:200]} is no finite score, and left out.")
            self._tell({f"{SCORE}.{name}": score for name, score in found.items() if score is not None})

    def _know(self, samples: Any, features: Any) -> None:
        given = {"samples": samples, "features": features}
        found = {name: whole(value) for name, value in given.items() if value is not None}
        if wrong := [f"{name}={given[name]!r}" for name, number in found.items() if number is None]:
            self._say("count", f"{', '.join(wrong)[:200]} is no whole number from 0, and left out.")
        known: dict[str, Any] = {name: number for name, number in found.items() if number is not None}
        if self._run.result is None:
            self._run = replace(self._run, **known)
        self._tell({f"{self._prefix}.{name}": number for name, number in known.items()})

    def _fixed(self) -> frozenset[str]:
        return super()._fixed() | {MODEL_TYPE}


MODEL_TYPE = attributes.TRAINING_MODEL_TYPE
SCORE = attributes.TRAINING_SCORE
_CURRENT: ContextVar[TrainingRun | None] = ContextVar("celery_otel_training", default=None)


def training(
    model_type: str, *, samples: SupportsInt | None = None, features: SupportsInt | None = None, **attributes: Any
) -> Block[TrainingRun]:
    """Measures the training of a model: a block (`with`), or each call of a function (`@`).

    In a task it is on the task's span, and the worker counts it by model type and result: how many, how long, with how
    many samples and features. One whose process is killed counts too, as a failure. Outside a worker it is a span.

    An exception that leaves the block makes it a failure, and goes on.

    Args:
        model_type: What kind of model, such as `random_forest`: a label of the series. There should be few.
        samples: How many samples it is trained with, if that is known.
        features: How many features they have, if that is known.
        attributes: What else is known: attributes `celery.training.<name>` of the span.

    Returns:
        What gives the run, with `set` and `score`, when it is entered.
    """
    return Block(partial(TrainingRun, model_type, samples, features, attributes), _CURRENT)


def current_training() -> TrainingRun:
    """The innermost training that this code runs in; where there is none, one that tells nobody.

    It is how a decorated function, or what it calls, finds its run:

    ```python
    @celery_otel.training("random_forest")
    def fit(X, y):
        model = RandomForestClassifier().fit(X, y)
        celery_otel.current_training().set(samples=len(X))
    ```
    """
    return _CURRENT.get() or TrainingRun("")
