"""How a search stands: its iterations so far, and the best of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Iteration:
    """One iteration of a search.

    Attributes:
        number: Its number, from 1.
        score: How good it is; None if that is not known.
        parameters: What it tried.
    """

    number: int
    score: float | None
    parameters: Mapping[str, Any]


class Standing:
    """The iterations of one search. Both ends are kept: which of them is best may turn out later.

    Args:
        maximize: Whether the largest score is the best one.
    """

    def __init__(self, *, maximize: bool) -> None:
        self.maximize = maximize
        self.iterations = 0
        self.invalid = 0
        self._lowest: Iteration | None = None
        self._highest: Iteration | None = None

    @property
    def best(self) -> Iteration | None:
        """The best iteration, the first of equal ones; None if no score counts."""
        return self._highest if self.maximize else self._lowest

    @property
    def best_score(self) -> float | None:
        """The best score; None if none counts."""
        return None if self.best is None else self.best.score

    def count(self, score: float | None, parameters: Mapping[str, Any], *, counts: bool = True) -> Iteration:
        """Counts an iteration.

        Args:
            score: A finite number, or None.
            parameters: What it tried.
            counts: Whether it can be the best.
        """
        self.iterations += 1
        iteration = Iteration(self.iterations, score, parameters)
        if counts and score is not None:
            self._rank(iteration, score)
        return iteration

    def _rank(self, iteration: Iteration, score: float) -> None:
        if self._lowest is None or self._lowest.score is None or score < self._lowest.score:
            self._lowest = iteration
        if self._highest is None or self._highest.score is None or score > self._highest.score:
            self._highest = iteration
