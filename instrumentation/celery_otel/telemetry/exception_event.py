"""The event of a span that tells of an exception: its class and stack, and what it says only if that is asked for."""

import sys
from traceback import TracebackException

MAX_STACK = 8000
"""The most characters of a stack that are kept: its end, where the exception was raised."""
NAME = "exception"
TYPE = "exception.type"
MESSAGE = "exception.message"
STACK = "exception.stacktrace"


def exception_attributes(error: BaseException, *, content: bool) -> dict[str, str]:
    """The event's attributes. Source: OpenTelemetry semantic conventions, "Exceptions on spans".

    Args:
        error: The exception.
        content: Whether what it says may be told.
    """
    told = TracebackException.from_exception(error)
    stack = "".join(told.format()) if content else "".join(_without_messages(told))
    found = {TYPE: full_name(type(error)), STACK: stack[-MAX_STACK:]}
    return {**found, MESSAGE: str(error)} if content else found


def full_name(kind: type[BaseException]) -> str:
    """A class with its module, as Python writes it."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _without_messages(told: TracebackException | None) -> list[str]:
    if told is None:
        return []
    cause = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
    own = ["Traceback (most recent call last):\n", *told.stack.format(), f"{_class(told)}\n"]
    return [*_without_messages(cause), *own]


def _class(told: TracebackException) -> str:
    """The class of the exception, as the last line of a traceback names it."""
    if sys.version_info >= (3, 13):
        return told.exc_type_str
    return full_name(told.exc_type)
