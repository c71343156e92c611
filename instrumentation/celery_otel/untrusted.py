"""Makes plain values of what others put into messages: whoever can send a task can put anything there."""

import math
from typing import Any

LONGEST = 1024
"""Characters of a text that are kept."""
MOST = 2**31
"""The largest count that is believed."""


def text(value: Any) -> str:
    """A text of at most `LONGEST` characters that UTF-8 can say: what it cannot say is escaped."""
    try:
        found = value if isinstance(value, str) else str(value)
    except (ValueError, RecursionError):
        # A number of thousands of digits, or lists nested as deep as that.
        return f"<{type(value).__name__}>"
    return found[:LONGEST].encode("utf-8", "backslashreplace").decode()[:LONGEST]


def encodable(found: str) -> str:
    """A text with a question mark for what UTF-8 cannot say: half a surrogate pair."""
    return found if found.isascii() else found.encode("utf-8", "replace").decode()


def representation(value: Any) -> str:
    """A text as `text` makes it, of Python's representation."""
    try:
        return text(repr(value))
    except (ValueError, RecursionError):
        return f"<{type(value).__name__}>"


def count(value: Any) -> int | None:
    """A number from 0 to `MOST`, moved to the nearer end if it is beyond; None if it is no number."""
    if not isinstance(value, int | float) or value != value:  # noqa: PLR0124  # NaN alone is not itself
        return None
    return int(min(max(value, 0), MOST))


def seconds(value: Any) -> float | None:
    """A finite number of seconds; None if it is none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
