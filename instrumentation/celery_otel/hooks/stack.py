"""The stack of an exception as text without what it says: a message may hold a customer's data.

A child sends its traceback as text, in which a message of many lines may look like anything, a traceback included. So
nothing is taken out of it: what is known to be code is taken from it.
"""

import re
from collections.abc import Iterator

_MARK = "Traceback (most recent call last):"
_JOINTS = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)
#: A frame, which lines of source follow. The place of a syntax error has no name behind it: its source may be anything.
_FRAME = re.compile(r'  File "[^"\n]*", line \d+, in [^\n]+')
_REPEATED = re.compile(r"  \[Previous line repeated \d+ more times?\]")
#: The first line after the frames: the class, then perhaps a message.
_CLASS = re.compile(r"([^\W\d][\w.<>]*)(?=:|$)")
MAX_LENGTH = 8000
"""The most characters of a stack that are kept: its end, where the exception was raised."""


def without_messages(traceback: str) -> str:
    """A traceback as Python prints it, each exception reduced to its class.

    Args:
        traceback: The text, of one exception or a chain of them. Of a text that is no traceback nothing is left.
    """
    # By this character alone, as Python writes it: a message may hold others that end a line.
    return "\n".join(_told(traceback.split("\n")))[-MAX_LENGTH:]


def _told(lines: list[str]) -> Iterator[str]:
    for index, line in enumerate(lines):
        joint = lines[index - 2 : index] if index > 1 else []
        chained = len(joint) > 1 and joint[0] in _JOINTS and not joint[1]
        if line == _MARK and (index == 0 or chained):
            yield from joint
            yield line
            yield from _exception(lines[index + 1 :])


def _exception(lines: list[str]) -> Iterator[str]:
    """The frames and the class of one exception."""
    framed = False
    for line in lines:
        if not line.startswith("  "):
            found = _CLASS.match(line)
            yield found[1] if found else ""
            return
        framed = _FRAME.fullmatch(line) is not None or (framed and line.startswith("    "))
        if framed or _REPEATED.fullmatch(line):
            yield line
