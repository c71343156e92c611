"""Measures the search for a model's best settings.

```python
with celery_otel.tuning("random", maximize=False) as search:
    for depth in depths:
        search.iteration(score=loss_of(depth), max_depth=depth)
```
"""

import math
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import Any, SupportsFloat

from celery_otel import attributes
from celery_otel.core.run import TUNING
from celery_otel.core.standing import Iteration, Standing
from celery_otel.measured_run import SURROUNDINGS, MeasuredRun, Surroundings
from celery_otel.run_block import Block
from celery_otel.told_values import AttributeValue, finite, unfolded
from celery_otel.untrusted import text

SHOWN = 100
"""How many iterations of a search are events of the span, and told to MAIN at once; the others are counted."""
PACE = 1.0
"""Seconds between what MAIN is told of the iterations after these."""


class TuningRun(MeasuredRun):
    """A search that runs, as `tuning` gives it. Its methods may be called in several threads at once.

    Args:
        method: How it searches.
        maximize: Whether the largest score is the best one.
        attributes: What else is known.
        around: What is around it.
    """

    def __init__(
        self,
        method: str,
        attributes: Mapping[str, Any] | None = None,
        around: Surroundings = SURROUNDINGS,
        *,
        maximize: bool = True,
    ) -> None:
        super().__init__(TUNING, method, around)
        self._standing = Standing(maximize=bool(maximize))
        self._run = replace(self._run, iterations=0)
        self._next_progress = -math.inf
        with around.harmless:
            self._tell({METHOD: self._run.label, MAXIMIZE: self._standing.maximize})
            self._set(attributes or {})

    @property
    def iterations(self) -> int:
        """How many iterations there were so far."""
        return self._standing.iterations

    @property
    def best_score(self) -> float | None:
        """The best finite score so far; None if there was none."""
        return self._standing.best_score

    @property
    def best_parameters(self) -> Mapping[str, Any]:
        """What the best iteration tried; empty if no score was finite."""
        best = self._standing.best
        return {} if best is None else best.parameters

    @property
    def maximize(self) -> bool:
        """Whether the largest score is the best one. It may be set at any time: all scores so far count by it."""
        return self._standing.maximize

    @maximize.setter
    def maximize(self, maximize: bool) -> None:
        with self._around.harmless:
            if self._elsewhere():
                return
            with self._lock:
                self._standing.maximize = bool(maximize)
            self._tell({MAXIMIZE: self._standing.maximize})

    def set(self, **attributes: Any) -> None:
        """Says what is known by now.

        Args:
            attributes: Anything; attributes `celery.tuning.<name>` of the span, a mapping one for each of its keys.
        """
        with self._around.harmless:
            if not self._elsewhere():
                self._set(attributes)

    def iteration(self, score: SupportsFloat | None = None, **parameters: Any) -> None:
        """Says that one candidate has been tried.

        Args:
            score: How good it is. One that is NaN or infinite is never the best, and counted as invalid.
            parameters: What was tried.
        """
        self.tell(score, parameters)

    def tell(
        self,
        score: SupportsFloat | None,
        parameters: Mapping[str, Any],
        *,
        counts: bool = True,
        state: str | None = None,
    ) -> None:
        """The same as `iteration`, for parameters of any name.

        Args:
            score: How good it is; None if that is not known.
            parameters: What was tried.
            counts: Whether it can be the best one.
            state: What became of it, where it has not come to its end; such as `pruned`.
        """
        with self._around.harmless:
            if self._elsewhere() or self._has_ended():
                return
            said = {} if state is None else {STATE: text(state)}
            with self._lock:
                self._progress(self._count(score, dict(parameters), said, counts=counts))

    def _count(self, given: Any, parameters: Mapping[str, Any], said: Mapping[str, str], *, counts: bool) -> int:
        score = None if given is None else finite(given)
        iteration = self._standing.count(score, parameters, counts=counts)
        shown = {**_shown(iteration), **said}
        if given is not None and score is None:
            self._refuse(given)
            shown[INVALID_SCORE] = text(given)
        if iteration.number <= SHOWN:
            self._place.add_event(ITERATION, shown)
        return iteration.number

    def _refuse(self, score: Any) -> None:
        self._standing.invalid += 1
        self._say("score", f"the score {text(score)[:200]} is not finite: it is never the best one.")

    def _progress(self, number: int) -> None:
        self._run = replace(self._run, iterations=number, best_score=self.best_score)
        now = self._around.clock.monotonic()
        if number > SHOWN and now < self._next_progress:
            return
        self._next_progress = now + PACE
        self._place.progress(self._run, self._figures())

    def _has_ended(self) -> bool:
        if self._run.result is None:
            return False
        self._say("ended", "its block has ended: what is said of it now has no effect.")
        return True

    def _figures(self) -> Mapping[str, AttributeValue]:
        found: dict[str, AttributeValue] = {ITERATIONS: self.iterations}
        if self.best_score is not None:
            found[BEST_SCORE] = self.best_score
        if self._standing.invalid:
            found[INVALID_SCORES] = self._standing.invalid
        return found

    def _tell_end(self) -> None:
        self._run = replace(self._run, best_score=self.best_score)
        super()._tell_end()

    def _found(self) -> Mapping[str, AttributeValue]:
        best = self._standing.best
        return {} if best is None else {BEST_ITERATION: best.number, **_parameters(best)}

    def _fixed(self) -> frozenset[str]:
        return super()._fixed() | {METHOD, MAXIMIZE, ITERATIONS, BEST_SCORE, INVALID_SCORES}


METHOD = attributes.TUNING_METHOD
MAXIMIZE = attributes.TUNING_MAXIMIZE
ITERATIONS = attributes.TUNING_ITERATIONS
BEST_SCORE = attributes.TUNING_BEST_SCORE
BEST_ITERATION = attributes.TUNING_BEST_ITERATION
INVALID_SCORES = attributes.TUNING_INVALID_SCORES
ITERATION = attributes.TUNING_ITERATION
SCORE = attributes.TUNING_SCORE
INVALID_SCORE = attributes.TUNING_INVALID_SCORE
STATE = attributes.TUNING_STATE
_CURRENT: ContextVar[TuningRun | None] = ContextVar("celery_otel_tuning", default=None)


def _shown(iteration: Iteration) -> dict[str, AttributeValue]:
    """What an event says of an iteration."""
    score: dict[str, AttributeValue] = {} if iteration.score is None else {SCORE: iteration.score}
    return {ITERATION: iteration.number, **score, **_parameters(iteration)}


def _parameters(iteration: Iteration) -> dict[str, AttributeValue]:
    return unfolded(attributes.TUNING_PARAMETER, iteration.parameters)


def tuning(method: str, *, maximize: bool = True, **attributes: Any) -> Block[TuningRun]:
    """Measures a search for the best settings: a block (`with`), or each call of a function (`@`).

    In a task it is on the task's span, each iteration an event of it, and the worker counts it by method and result:
    how many, how long, with how many iterations and which best score. One whose process is killed counts too, as a
    failure. Outside a worker it is a span.

    An exception that leaves the block makes it a failure, and goes on.

    Args:
        method: How it searches, such as `grid` or `random`: a label of the series. There should be few.
        maximize: Whether the largest score is the best one; False for a loss.
        attributes: What else is known: attributes `celery.tuning.<name>` of the span.

    Returns:
        What gives the search, with `iteration`, `best_score` and more, when it is entered.
    """
    return Block(partial(TuningRun, method, attributes, maximize=maximize), _CURRENT)


def current_tuning() -> TuningRun:
    """The innermost search that this code runs in; where there is none, one that tells nobody."""
    return _CURRENT.get() or TuningRun("")
