"""Results and exceptions that are as hostile as those of a task can be, each by its name."""

import sys
from collections.abc import Callable
from typing import Any, NoReturn

from celery.exceptions import Ignore, Reject, Retry

LARGE = 5_000_000
DEEP = 5_000


class _LoudText(str):
    __slots__ = ()

    def __repr__(self) -> str:
        raise RuntimeError("no representation")


class _NoTextError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __repr__(self) -> str:
        raise RuntimeError("no representation")


class _UntrueClassError(Exception):
    @property  # type: ignore[misc]  # that it may be anything is the attack
    def __class__(self) -> Any:
        return Retry


class _NoClassError(Exception):
    @property  # type: ignore[misc]  # as above
    def __class__(self) -> Any:
        raise RuntimeError("no class")


class _Nameless(type):
    @property
    def __name__(cls) -> Any:  # type: ignore[override]  # as above
        return 5


class _NamelessError(Exception, metaclass=_Nameless):
    pass


class _UnequalError(Exception):
    def __eq__(self, _: object) -> bool:
        raise RuntimeError("no comparison")

    def __hash__(self) -> int:
        raise RuntimeError("no hash")

    def __bool__(self) -> bool:
        raise RuntimeError("neither true nor false")


class _NoPickleError(Exception):
    def __reduce__(self) -> NoReturn:
        raise RuntimeError("no pickle")


class _BadPickleError(Exception):
    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return int, ("no number",)


class _StrangeModuleError(Exception):
    __module__ = "a\n\x00b" * 1000


def _raising(error: Callable[[], BaseException]) -> Callable[[], NoReturn]:
    def end() -> NoReturn:
        raise error()

    return end


def _deep(number: int = DEEP) -> NoReturn:
    inner = ValueError("the innermost")
    for _ in range(number):
        outer = ValueError("x")
        outer.__cause__ = inner
        inner = outer
    raise inner


def _recursion() -> object:
    return _recursion()


def _nested(number: int = 500) -> list[Any]:
    found: list[Any] = []
    for _ in range(number):
        found = [found]
    return found


ENDS: dict[str, Callable[[], object]] = {
    "a result of 5 MB": lambda: "x" * LARGE,
    "a result without a representation": lambda: _LoudText("x"),
    "a result with half a surrogate pair": lambda: "\ud800",
    "a result of no JSON": object,
    "a result nested 500 deep": _nested,
    "a result of numbers that are none": lambda: [float("nan"), float("inf"), 10**400],
    "an exception of 5 MB": _raising(lambda: ValueError("x" * LARGE)),
    "an exception of control characters": _raising(lambda: ValueError("\x00\x1b[31m\n\r\ud800" * 100)),
    "an exception that looks like a traceback": _raising(
        lambda: ValueError('Traceback (most recent call last):\n  File "x", line 1, in y\n' * 1000)
    ),
    "an exception without a text": _raising(_NoTextError),
    "an exception that says it is a Retry": _raising(_UntrueClassError),
    "an exception without a class": _raising(_NoClassError),
    "an exception whose class has a number for a name": _raising(_NamelessError),
    "an exception whose class has a name of 5 MB": _raising(lambda: type("E" * LARGE, (Exception,), {})("x")),
    "an exception that cannot be compared": _raising(_UnequalError),
    "an exception that cannot be pickled": _raising(_NoPickleError),
    "an exception that cannot be unpickled": _raising(_BadPickleError),
    "an exception of a strange module": _raising(_StrangeModuleError),
    "an exception with arguments of no JSON": _raising(lambda: ValueError(object(), sys, {"a": object()})),
    "a chain of 5000 exceptions": _deep,
    "a recursion without an end": _recursion,
    "a Retry of nothing": _raising(lambda: Retry("x", exc=_NoTextError(), when=-1)),
    "a Reject for a reason of no text": _raising(lambda: Reject(_NoTextError(), requeue=False)),
    "an Ignore with arguments": _raising(lambda: Ignore(object())),
    "an exception group": _raising(lambda: ExceptionGroup("many", [ValueError(number) for number in range(1000)])),
    "an exception that is no Exception": _raising(lambda: GeneratorExit("x")),
}
