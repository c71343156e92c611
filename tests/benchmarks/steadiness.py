"""How steady the machine is: the CPU time of a loop whose length never changes.

A core that is shared with a neighbour's takes up to twice as long for the same instructions, and no ratio of times is
better than that.
"""

import time
from collections.abc import Callable, Sequence
from statistics import median

LOOPS = 100
_LENGTH = 200_000


def measured(clock: Callable[[], float] = time.process_time) -> list[float]:
    """The CPU seconds of each of many loops of one length."""
    return [_timed(clock) for _ in range(LOOPS)]


def told(seconds: Sequence[float]) -> str:
    """One sentence for the report."""
    low, middle, high = (1000 * pick(seconds) for pick in (min, median, max))
    return f"A loop of fixed length took {middle:.1f} ms of CPU there, between {low:.1f} and {high:.1f}."


def _timed(clock: Callable[[], float]) -> float:
    begin = clock()
    total = 0
    for number in range(_LENGTH):
        total += number * number
    return clock() - begin
