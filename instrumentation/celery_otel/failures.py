"""What happens when celery-otel itself goes wrong: it is counted, logged at most once a minute, and out of the way."""

import logging
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.seldom import Seldom

logger = logging.getLogger("celery_otel")


class FailureLog:
    """Logs failures, each kind at most once a minute, with the number of those that were not logged.

    Args:
        clock: Where the time comes from.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._seldom = Seldom(clock.monotonic)

    def tell(self, kind: str, message: str, error: BaseException | None = None) -> None:
        """Logs a warning, unless one of the same kind was logged within the last minute.

        Args:
            kind: What it is about; every kind has its own minute.
            message: What happened and what follows from it.
            error: The exception, whose traceback is logged too.
        """
        more = self._seldom.due(kind)
        if more is None:
            return
        # The handlers are the user's. What failed has been counted, and one of them that fails too changes nothing.
        with suppress(Exception):
            logger.warning("%s%s", message, more, exc_info=error)


class HookFailures:
    """Takes the exceptions of our own hooks, so that Celery never sees one.

    Args:
        count: Called with the hook's name for each.
        log: Where they are logged.
    """

    def __init__(self, count: Callable[[str], None], log: FailureLog) -> None:
        self._count = count
        self._log = log

    def taken(self, hook: str) -> "Taken":
        """Takes whatever a `with` block raises.

        Args:
            hook: What the block is for, in a word.
        """
        return Taken(self, hook)

    def take(self, hook: str, error: Exception) -> None:
        """Counts and logs an exception of a hook."""
        self._count(hook)
        self._log.tell(
            # One kind for all: a Celery that we do not understand makes many hooks fail at once.
            "hook",
            f"celery-otel failed in its hook {hook}: the task goes on, but its numbers may be wrong. "
            "Please report this with the traceback.",
            error,
        )


class Taken:
    """A block of a hook: what it raises goes no further. A class, since it is entered for every task.

    Args:
        failures: Takes it.
        hook: What the block is for.
    """

    __slots__ = ("_failures", "_hook")

    def __init__(self, failures: HookFailures, hook: str) -> None:
        self._failures = failures
        self._hook = hook

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        # Whatever it is, it is ours and must not reach the worker.
        self._failures.take(self._hook, error)
        return True
