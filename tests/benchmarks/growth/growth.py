"""How one figure grows with one size: the points, and the exponent of the power that fits them best."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import log
from statistics import fmean

#: The most that an exponent may be: of what must not grow, and of what may grow as its size does.
FLAT, LINEAR = 0.1, 1.1
#: How much steeper the last step may be than the whole: it is between two points alone, and each has its noise.
SLACK = 0.2


@dataclass(frozen=True)
class Growth:
    """One figure at several sizes.

    Attributes:
        figure: What is measured.
        unit: Its unit.
        points: By size; a size of 0 is shown and not fitted.
        bound: The most that the exponent may be.
    """

    figure: str
    unit: str
    points: Mapping[int, float]
    bound: float

    @property
    def exponent(self) -> float:
        """The power of the size that fits best: 0 for what stays, 1 for what doubles with it."""
        return slope(self._fitted)

    @property
    def last(self) -> float:
        """The same between the two largest sizes alone, where a term that grows faster than the rest shows first."""
        return slope(self._fitted[-2:])

    @property
    def holds(self) -> bool:
        """Whether it grows no faster than it may."""
        return self.exponent <= self.bound and self.last <= self.bound + SLACK

    @property
    def _fitted(self) -> list[tuple[float, float]]:
        return [(log(size), log(value)) for size, value in sorted(self.points.items()) if size > 0 and value > 0]


def slope(points: list[tuple[float, float]]) -> float:
    """The slope of the line with the least squares; 0 where fewer than two points make none."""
    if not any(one[0] != other[0] for one, other in pairwise(points)):
        return 0.0
    x, y = fmean(point[0] for point in points), fmean(point[1] for point in points)
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)
