"""How long a task takes from its publishing to its code, where nothing else waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Self

PERCENTILES = 100


@dataclass(frozen=True)
class Latency:
    """Times from publishing to the first line of the task, in seconds.

    Attributes:
        middle: Their median.
        slowest: Their 99th percentile.
    """

    middle: float
    slowest: float

    @classmethod
    def of(cls, times: Sequence[float]) -> Self:
        """The figures of some measured times.

        Raises:
            StatisticsError: There are fewer than two.
        """
        return cls(median(times), quantiles(times, n=PERCENTILES, method="inclusive")[-1])
