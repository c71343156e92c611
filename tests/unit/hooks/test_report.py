"""What pools hand back is read alike, whatever they wrap it in."""

from types import SimpleNamespace
from typing import Any

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.exceptions import Ignore, Reject, Retry
from celery.utils.serialization import UnpickleableExceptionWrapper

from celery_otel.core.outcome import Report, ReportKind
from celery_otel.hooks.report import KILLED_QUIETLY, SUCCEEDED, of_exception, of_result


def info(error: BaseException) -> ExceptionInfo:
    """An exception info as a pool's child makes it."""
    try:
        raise error  # noqa: TRY301  # to be caught is its purpose
    except BaseException:  # noqa: BLE001  # whatever the case raises is what it wants
        return ExceptionInfo()


@pytest.mark.parametrize(
    ("expected", "error"),
    [
        (Report(ReportKind.RAISED, "ValueError"), ValueError("no")),
        (Report(ReportKind.RAISED, "Local"), UnpickleableExceptionWrapper("mod", "Local", (), "text")),
        (Report(ReportKind.RETRIED, "KeyError"), Retry(exc=KeyError("k"))),
        (Report(ReportKind.RETRIED, "Retry"), Retry("again")),
        (Report(ReportKind.REJECTED, "Reject"), Reject("no")),
        (Report(ReportKind.IGNORED, "Ignore"), Ignore()),
        (Report(ReportKind.TIMED_OUT, "TimeLimitExceeded"), TimeLimitExceeded(1)),
        (Report(ReportKind.TERMINATED, "Terminated"), Terminated(15)),
        (Report(ReportKind.LOST, "WorkerLostError"), WorkerLostError("gone")),
        (Report(ReportKind.LOST, "SystemExit"), SystemExit(1)),
        (Report(ReportKind.LOST, "KeyboardInterrupt"), KeyboardInterrupt()),
    ],
)
def test_an_exception_is_read(expected: Report, error: BaseException) -> None:
    """The kind follows from the exception itself, without what wraps it."""
    assert expected == of_exception(info(error))
    assert (expected, 0.5) == of_result((True, info(error), 0.5))
    assert (expected, None) == of_result(info(error))


def test_a_success_has_a_runtime() -> None:
    """A success without a runtime is a greenlet that was killed."""
    assert (SUCCEEDED, 0.5) == of_result((0, "result", 0.5))
    assert (SUCCEEDED, None) == of_result((0, None, None)), "a duplicate that the tracer skipped"
    assert (KILLED_QUIETLY, None) == of_result((False, None, None))


class _Named(type):
    @property
    def __name__(cls) -> Any:  # type: ignore[override]  # that it may be anything is what is tested
        return 5


class _NoNameError(Exception, metaclass=_Named):
    pass


class _NoClassError(Exception):
    @property  # type: ignore[misc]  # as above
    def __class__(self) -> Any:
        raise RuntimeError("no class")


class _UntrueError(Exception):
    @property  # type: ignore[misc]  # as above
    def __class__(self) -> Any:
        return WorkerLostError


@pytest.mark.parametrize("kind", [_NoNameError, _NoClassError, _UntrueError], ids=["name", "class", "untrue"])
def test_an_exception_is_what_it_is_and_not_what_it_says(kind: type[Exception]) -> None:
    """Its class has the name that Python gave it, and kind and name are read without asking the exception."""
    name = vars(type)["__name__"].__get__(kind)
    assert Report(ReportKind.RAISED, name) == of_exception(SimpleNamespace(exception=kind()))
