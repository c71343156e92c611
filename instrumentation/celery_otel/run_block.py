"""The block of a user's code that is one run: as `with`, or around a function, each of whose calls is a run."""

from collections.abc import Callable, Generator
from contextvars import ContextVar
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from types import TracebackType
from typing import Any, Generic, ParamSpec, TypeVar, cast

from celery_otel.measured_run import MeasuredRun

P = ParamSpec("P")
R = TypeVar("R")
Run = TypeVar("Run", bound=MeasuredRun)


class Block(Generic[Run]):
    """A context manager that gives the run, and a decorator. It may be used again and again.

    Args:
        make: Makes a run.
        current: Where code inside finds it.
    """

    def __init__(self, make: Callable[[], Run], current: "ContextVar[Run | None]") -> None:
        self._make = make
        self._current = current
        self._entered: list[tuple[Run, Run | None]] = []

    def __enter__(self) -> Run:
        run = self._make()
        run.begin()
        self._entered.append((run, self._current.get()))
        self._current.set(run)
        return run

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        run, outer = self._entered.pop()
        # Not by a token, which only the context that made it could take back.
        self._current.set(outer)
        run.end(error)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """The function with a run around each of its calls.

        Args:
            function: A function, generator function or coroutine function.

        Raises:
            TypeError: It is an asynchronous generator, or a task already.
        """
        if hasattr(function, "apply_async"):
            raise TypeError("a task cannot be decorated, only what it runs: put this decorator below `@app.task`.")
        if isasyncgenfunction(function):
            raise TypeError(
                f"{function.__qualname__} is an asynchronous generator, which cannot be decorated: "
                "use `with` inside it, around what is to be measured."
            )
        if iscoroutinefunction(function):
            return cast("Callable[P, R]", self._around_coroutine(function))
        if isgeneratorfunction(function):
            return cast("Callable[P, R]", self._around_generator(function))
        return self._around(function)

    def _around(self, function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def measured(*args: P.args, **kwargs: P.kwargs) -> R:
            with self._another():
                return function(*args, **kwargs)

        return measured

    def _around_coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        async def measured(*args: Any, **kwargs: Any) -> Any:
            with self._another():
                return await function(*args, **kwargs)

        return measured

    def _around_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def measured(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with self._another():
                return (yield from function(*args, **kwargs))

        return measured

    def _another(self) -> "Block[Run]":
        """One for a single call: calls overlap."""
        return Block(self._make, self._current)
