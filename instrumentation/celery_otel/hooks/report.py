"""Reads what a pool hands back for an attempt into a `Report`, whatever pool and version of Celery it comes from."""

from typing import Any

from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.exceptions import Ignore, Reject, Retry
from celery.utils.serialization import UnpickleableExceptionWrapper

from celery_otel.core.outcome import Report, ReportKind

SUCCEEDED = Report(ReportKind.SUCCEEDED)
KILLED_QUIETLY = Report(ReportKind.KILLED_QUIETLY)
_NAME = vars(type)["__name__"].__get__
"""The name of a class, past a metaclass that has a name of its own, which may be anything."""
_KINDS: tuple[tuple[Any, ReportKind], ...] = (
    (Reject, ReportKind.REJECTED),
    (Ignore, ReportKind.IGNORED),
    (TimeLimitExceeded, ReportKind.TIMED_OUT),
    (Terminated, ReportKind.TERMINATED),
    # With these the process has ended, or will.
    ((WorkerLostError, SystemExit, KeyboardInterrupt), ReportKind.LOST),
)


def of_result(result: Any) -> tuple[Report, float | None]:
    """What a pool's callback says, and the runtime in seconds that its child measured, if any.

    Args:
        result: The triple of Celery's tracer (failed, value, runtime), or a bare exception info, which the pools
            without processes hand over when a task ends its thread.
    """
    if not isinstance(result, tuple):
        return of_exception(result), None
    failed, value, runtime = result
    if failed:
        return of_exception(value), runtime
    # A killed greenlet is reported as (False, None, None). Celery's tracer says 0 instead of False, and gives no
    # runtime for a duplicate that it skipped.
    return (KILLED_QUIETLY if failed is False and runtime is None else SUCCEEDED), runtime


def of_exception(info: Any) -> Report:
    """What an exception info says."""
    error = unwrap(info.exception)
    # What it is, and not what it says it is: `isinstance` asks for its `__class__` too, which may be or raise anything.
    own = type(error)
    for kinds, kind in _KINDS:
        if issubclass(own, kinds):
            return Report(kind, name(error))
    if issubclass(own, Retry):
        return Report(ReportKind.RETRIED, name(unwrap(error.exc)) if error.exc is not None else name(error))
    return Report(ReportKind.RAISED, name(error))


def unwrap(error: Any) -> Any:
    """The exception itself, without billiard's wrapper for its traceback."""
    # ExceptionWithTraceback is found by its attributes: billiard has moved and rebuilt it between versions.
    if _NAME(type(error)) == "ExceptionWithTraceback":
        return error.exc
    return error


def name(error: Any) -> str:
    """The class name of an exception, also of one that could not be pickled and came as its description."""
    if issubclass(type(error), UnpickleableExceptionWrapper):
        return str(error.exc_cls_name)
    return str(_NAME(type(error)))


def full_name(error: Any) -> str:
    """The class of an exception with its module, where that says something."""
    if isinstance(error, UnpickleableExceptionWrapper):
        return f"{error.exc_module}.{error.exc_cls_name}"
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def is_raised(info: Any) -> bool:
    """Whether it is an exception that the task itself raised, and no message to Celery or loss of the process."""
    return of_exception(info).kind is ReportKind.RAISED
