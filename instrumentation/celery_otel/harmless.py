"""What stands between our own failures and the code of a user who trains or tunes a model."""

from types import TracebackType

from billiard.exceptions import SoftTimeLimitExceeded

from celery_otel.failures import FailureLog, HookFailures


class Harmless:
    """A block of ours inside a user's code: what goes wrong in it is logged, and goes no further.

    A time limit does go further. Celery raises it wherever the process happens to be, and it is meant for the task.

    Args:
        log: Where it is logged.
    """

    def __init__(self, log: FailureLog) -> None:
        self.log = log
        # The counts that are exported are in MAIN, and the way to it may be what is broken: the log is all there is.
        self._failures = HookFailures(lambda _: None, log)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or isinstance(error, SoftTimeLimitExceeded):
            return False
        self._failures.take("run", error)
        return True
