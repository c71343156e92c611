"""What stands between our own failures and the code of a user who trains or tunes a model."""

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from billiard.exceptions import SoftTimeLimitExceeded

from celery_otel.failures import FailureLog, HookFailures

HOOK = "run"
"""The name of the hook: a value of the label `hook`."""


class Harmless:
    """A block of ours inside a user's code: what goes wrong in it is logged, and goes no further.

    A time limit does go further. Celery raises it wherever the process happens to be, and it is meant for the task.

    Args:
        log: Where it is logged.
        count: Counts it by the name of the hook, where that is possible.
    """

    def __init__(self, log: FailureLog, count: Callable[[str], None]) -> None:
        self.log = log
        self._count = count
        self._failures = HookFailures(self._counted, log)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or isinstance(error, SoftTimeLimitExceeded):
            return False
        self._failures.take(HOOK, error)
        return True

    def _counted(self, hook: str) -> None:
        # The way to MAIN, where it is counted, may be what is broken: the log is there in any case.
        with suppress(Exception):
            self._count(hook)
