"""Makes attributes and figures of what users tell about their models: numbers of numpy, settings, anything at all."""

import math
from collections.abc import Mapping
from typing import Any

from celery_otel.untrusted import text

AttributeValue = str | bool | int | float | list[str] | list[bool] | list[int] | list[float]

MANY_ITEMS = 100
"""The longest list that is told as one; a longer one is told as the beginning of its text."""
MANY_ATTRIBUTES = 64
"""How many attributes one mapping gives: a span has room for 128, and the oldest make place for the newest."""
DEPTH = 3
"""How deep mappings in mappings are unfolded."""
LARGEST = 2**53
"""The largest count that is believed: above it a number in JSON is not exact everywhere."""
_INT64 = range(-(2**63), 2**63)
_KINDS = ({str}, {bool}, {int}, {float})


def plain(value: Any) -> AttributeValue:
    """A value as an attribute of a span can hold it: what is no number, list of one kind, or text, as its text."""
    value = scalar(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in _INT64:
        return int(value)
    # What is not finite is text: not every backend can show it as a number.
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, list | tuple) and 0 < len(value) <= MANY_ITEMS:
        return _listed(value)
    return text(value)


def _listed(values: list[Any] | tuple[Any, ...]) -> AttributeValue:
    found: list[Any] = [plain(value) for value in values]
    return found if {type(value) for value in found} in _KINDS else text(values)


def scalar(value: Any) -> Any:
    """A number of numpy, torch and the like as Python's own; everything else as it is."""
    item = getattr(value, "item", None)
    if item is None or isinstance(value, str | bool | int | float):
        return value
    try:
        return item()
    except (TypeError, ValueError, RuntimeError):
        # An array, which holds several.
        return value


def unfolded(prefix: str, values: Mapping[Any, Any], depth: int = DEPTH) -> dict[str, AttributeValue]:
    """The attributes of a mapping: one for each key, below a prefix; a mapping in it has one for each key of its own.

    Args:
        prefix: What all begin with, without the dot.
        values: The mapping.
        depth: How deep it is unfolded.
    """
    found: dict[str, AttributeValue] = {}
    for key, value in list(values.items())[:MANY_ATTRIBUTES]:
        name = f"{prefix}.{text(key)}"
        inner = isinstance(value, Mapping) and depth > 1
        found.update(unfolded(name, value, depth - 1) if inner else {name: plain(value)})
    return dict(list(found.items())[:MANY_ATTRIBUTES])


def whole(value: Any) -> int | None:
    """A count, from 0; None if it is none."""
    try:
        found = int(scalar(value))
    except (TypeError, ValueError, OverflowError):
        return None
    return found if 0 <= found <= LARGEST else None


def finite(value: Any) -> float | None:
    """A finite number; None if it is none."""
    try:
        found = float(scalar(value))
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
