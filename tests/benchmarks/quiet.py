"""Tells when a worker has nothing more to do."""

import time
from collections import deque
from collections.abc import Callable

#: A part of one core that is no work: a thread that wakes up now and then to look.
IDLE = 0.005


class Quiet:
    """Tells when the CPU time of a worker has not grown for some time.

    Args:
        seconds: How long.
        clock: Where the time comes from.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._seen: deque[tuple[float, float]] = deque()

    def since(self, value: float) -> bool:
        """Whether the CPU seconds, which are `value` now, have been the same for that long, or as good as the same."""
        now = self._clock()
        self._seen.append((now, value))
        while len(self._seen) > 1 and self._seen[1][0] <= now - self._seconds:
            self._seen.popleft()
        begin, before = self._seen[0]
        return now - begin >= self._seconds and value - before <= IDLE * self._seconds
