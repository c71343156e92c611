"""Bounds the number of distinct values of a label, so that no input can multiply the series."""

from collections.abc import Callable

MAX_LENGTH = 200
"""The most characters of a value that are kept."""
OVERFLOW = "_OTHER"
"""What stands for every value beyond a limit."""


class BoundedLabel:
    """The values of one label: the first `limit` distinct ones pass, the rest become `_OTHER`.

    Args:
        limit: How many distinct values pass.
        overflowed: Called each time a value is replaced.
    """

    def __init__(self, limit: int, overflowed: Callable[[], None]) -> None:
        self._limit = limit
        self._overflowed = overflowed
        self._known: dict[str, str] = {}

    def __call__(self, value: str) -> str:
        """The value as it may stand on a series."""
        known = self._known.get(value)
        if known is not None:
            return known
        # What comes from the network may be long, and may hold what no exporter can encode.
        value = value[:MAX_LENGTH].encode("utf-8", "replace").decode()
        if value in self._known:
            return value
        if len(self._known) >= self._limit:
            self._overflowed()
            return OVERFLOW
        # setdefault: two threads may bring the same value at once.
        return self._known.setdefault(value, value)
