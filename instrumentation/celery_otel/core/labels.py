"""Bounds the number of distinct values of a label, so that no input can multiply the series."""

from collections.abc import Callable, Iterable

MAX_LENGTH = 200
"""The most characters of a value that are kept."""
OVERFLOW = "_OTHER"
"""What stands for every value beyond a limit."""


class BoundedLabel(dict[str, str]):
    """The values of one label: the first `limit` distinct ones pass, the rest become `_OTHER`.

    A dictionary that finds a value by itself or by what it is cut to: `label[value]` is the value as it may stand on a
    series.

    Args:
        limit: How many distinct values pass.
        overflowed: Called each time a value is replaced.
        known: Values that series have already; they pass, and at most `limit` others do.
    """

    def __init__(self, limit: int, overflowed: Callable[[], None], known: Iterable[str] = ()) -> None:
        super().__init__((value, value) for value in known if value != OVERFLOW)
        # What is known may be of tasks that are no more: it shall neither keep out what is new nor grow with each life.
        self._limit = limit + min(len(self), limit)
        self._overflowed = overflowed

    def __call__(self, value: str) -> str:
        """The value as it may stand on a series."""
        return self[value]

    def __missing__(self, value: str) -> str:
        # What comes from the network may be long, and may hold what no exporter can encode.
        value = value[:MAX_LENGTH].encode("utf-8", "replace").decode()
        if value in self:
            return value
        if len(self) >= self._limit:
            self._overflowed()
            return OVERFLOW
        # setdefault: two threads may bring the same value at once.
        return self.setdefault(value, value)
