"""Commands that ask workers, asked again: a worker has a second to answer, which one on a busy machine may miss."""

import re
from collections.abc import Callable
from typing import TypeVar

_NOBODY = re.compile("No nodes replied within time constraint|No worker answered")
_TIMES = 5
Answer = TypeVar("Answer")


def until_somebody_replies(ask: Callable[[], Answer], printed: Callable[[Answer], str]) -> Answer:
    """Runs a command up to five times, until a worker has replied.

    Args:
        ask: Runs it.
        printed: What it printed, of what it gave.

    Returns:
        What it gave last.
    """
    for _ in range(_TIMES - 1):
        answer = ask()
        if not _NOBODY.search(printed(answer)):
            return answer
    return ask()
