"""The stack of an exception as text without what it says: a message may hold a customer's data."""

import re

_MARK = "Traceback (most recent call last):"
_CHAINED = ("The above exception was", "During handling of the above")
#: The last line of a traceback: the class, then perhaps a message.
_CLASS = re.compile(r"^([A-Za-z_][\w.]*)(:.*)?$")
MAX_LENGTH = 8000
"""The most characters of a stack that are kept: its end, where the exception was raised."""


def without_messages(traceback: str) -> str:
    """A traceback as Python prints it, each exception reduced to its class.

    Args:
        traceback: The text, of one exception or a chain of them.
    """
    kept: list[str] = []
    inside = False
    for line in traceback.splitlines():
        if line.startswith((_MARK, *_CHAINED)):
            inside = line.startswith(_MARK)
            kept.append(line)
        elif inside and line.startswith("  "):
            kept.append(line)
        elif inside:
            found = _CLASS.match(line)
            kept.append(found[1] if found else "")
            inside = False
    return "\n".join(kept)[-MAX_LENGTH:]
