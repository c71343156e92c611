"""How long operations took: a histogram for each, which can be sent to another process and added there."""

import threading
from collections.abc import Mapping, Sequence

from celery_otel.core.tables import DistributionTable
from celery_otel.metric import Distribution, Labels

Samples = Mapping[str, Sequence[float]]
"""By operation: the sum of its samples in seconds, and behind it how many there are in each bucket."""


_MOST = 2**31


class Latencies:
    """The latencies of one process, from any thread.

    Args:
        bounds: Upper bounds of the buckets, in seconds.
    """

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        # Reentrant: Celery's cold shutdown works inside a signal handler, which may interrupt this very thread.
        self._lock = threading.RLock()
        self._table = DistributionTable(bounds)

    def record(self, operation: str, seconds: float) -> None:
        """Adds a sample."""
        with self._lock:
            self._table.record(seconds, operation)

    def read(self) -> dict[Labels, Distribution]:
        """A copy of every histogram."""
        with self._lock:
            return dict(self._table.read())

    def take(self) -> Samples:
        """What there is, and begins anew."""
        with self._lock:
            taken, self._table = self._table.read(), DistributionTable(self._bounds)
        return {operation: [one.total, *one.counts] for (operation,), one in taken.items()}

    def add(self, samples: object) -> None:
        """Adds what another one has taken.

        Raises:
            ValueError: It is nothing that `take` makes.
        """
        if not isinstance(samples, Mapping):
            raise ValueError(f"not samples: {samples!r:.80}")  # noqa: TRY004  # whatever is wrong with it
        with self._lock:
            for operation, (total, *counts) in [(str(key), _numbers(value)) for key, value in samples.items()]:
                self._table.add(tuple(map(int, counts)), total, operation)


def _numbers(value: object) -> list[float]:
    if not isinstance(value, list) or not value or not all(map(_is_number, value)):
        raise ValueError(f"not samples: {value!r:.80}")
    return value


def _is_number(value: object) -> bool:
    """Whether it is one that a histogram bears: one that is not would be in its sum for good."""
    return isinstance(value, int | float) and 0 <= value <= _MOST
