"""Eager tasks (`Task.apply`, `task_always_eager`): a span in the process that calls, and no worker that counts them."""

import sys
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Protocol, Self

from celery import signals, states

from celery_otel.failures import FailureLog, HookFailures
from celery_otel.hooks.installed import connected, connected_first

_SPAN = "_celery_otel_eager"
"""Where a request keeps its span."""


class OpenSpan(Protocol):
    """A span that is current while a task runs."""

    def end(self, state: str, error: BaseException | None = None, *, expected: bool = False) -> None:
        """The task has ended."""


class Spans(Protocol):
    """Makes the spans."""

    def open(self, task: str, task_id: str, retries: int) -> OpenSpan:
        """Begins a span and makes it the current one."""


class EagerTracing:
    """The spans of one application's eager tasks, while it is entered.

    Args:
        app: The application.
        spans: Makes them.
    """

    def __init__(self, app: Any, spans: Spans) -> None:
        self._app = app
        self._spans = spans
        # Nobody exports metrics where tasks are called: the log is all there is.
        self._failures = HookFailures(lambda _: None, FailureLog())
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        # Around the user's own handlers, as in a worker.
        self._stack.enter_context(connected_first(signals.task_prerun, self._begin))
        self._stack.enter_context(connected(signals.task_postrun, self._finish))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _begin(self, task: Any = None, **_: Any) -> None:
        with self._failures.taken("eager"):
            request = task.request
            if request.is_eager and task.app is self._app:
                span = self._spans.open(str(task.name), str(request.id), int(request.retries or 0))
                setattr(request, _SPAN, span)

    def _finish(self, task: Any = None, retval: Any = None, state: str | None = None, **_: Any) -> None:
        with self._failures.taken("eager"):
            span: OpenSpan | None = vars(task.request).pop(_SPAN, None)
            if span is None or task.app is not self._app:
                return
            # Without a state the exception is on its way to the caller: `apply(throw=True)`, or no `Exception` at all.
            error = sys.exc_info()[1] if state is None else retval
            failed = isinstance(error, BaseException) and state in {None, states.FAILURE}
            expected = isinstance(error, tuple(task.throws or ()))
            span.end(state or states.FAILURE, error if failed else None, expected=expected)
