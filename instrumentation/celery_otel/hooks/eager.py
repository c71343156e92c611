"""Eager tasks (`Task.apply`, `task_always_eager`): a span in the process that calls, and no worker that counts them."""

from types import TracebackType
from typing import Any, Protocol, Self

from celery import states

from celery_otel.failures import FailureLog, HookFailures
from celery_otel.hooks.tracers import Tracer, Tracers


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
        # Around the user's own handlers, as in a worker.
        self._tracers = Tracers(self._around)

    def __enter__(self) -> Self:
        self._tracers.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tracers.__exit__(kind, error, trace)

    def _around(self, tracer: Tracer, task: Any, eager: bool) -> Tracer | None:  # noqa: FBT001  # called by position alone
        if not eager or task.app is not self._app:
            return None

        def trace(uuid: Any, args: Any, kwargs: Any, request: Any = None) -> Any:
            span = self._open(task, request)
            try:
                traced = tracer(uuid, args, kwargs, request)
            except BaseException as error:
                # On its way to the caller: `apply(throw=True)`, or no `Exception` at all.
                self._end(span, task, states.FAILURE, error)
                raise
            info = traced.info
            self._end(span, task, *((states.SUCCESS, None) if info is None else (info.state, info.retval)))
            return traced

        return trace

    def _open(self, task: Any, request: Any) -> OpenSpan | None:
        with self._failures.taken("eager"):
            return self._spans.open(str(task.name), str(request["id"]), int(request["retries"] or 0))
        return None

    def _end(self, span: OpenSpan | None, task: Any, state: str, error: Any) -> None:
        with self._failures.taken("eager"):
            if span is None:
                return
            failed = isinstance(error, BaseException) and state == states.FAILURE
            expected = isinstance(error, tuple(task.throws or ()))
            span.end(state, error if failed else None, expected=expected)
