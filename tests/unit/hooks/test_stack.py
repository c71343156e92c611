"""A stack tells where and of which class, and nothing that an exception says."""

import traceback
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celery_otel.hooks.stack import MAX_LENGTH, without_messages

CAUSE = "The above exception was the direct cause of the following exception:"
SECRET = "card-4711"  # noqa: S105  # stands for what must not be told


def text_of(error: BaseException) -> str:
    """The traceback as Celery keeps it."""
    try:
        raise error
    except type(error):
        return traceback.format_exc()


def test_a_plain_one() -> None:
    """The frames stay, and the last line is the class alone."""
    stack = without_messages(text_of(KeyError(SECRET)))
    assert stack.startswith("Traceback (most recent call last):\n  File ")
    assert "raise error" in stack
    assert "KeyError" == stack.splitlines()[-1]
    assert SECRET not in stack


def test_a_class_of_a_module() -> None:
    """A class keeps its module."""
    assert (
        "kombu.exceptions.OperationalError"
        == without_messages(
            f"Traceback (most recent call last):\n  File\nkombu.exceptions.OperationalError: {SECRET}"
        ).splitlines()[-1]
    )


def test_without_a_message() -> None:
    """An exception that says nothing keeps its class, too."""
    assert "ValueError" == without_messages(text_of(ValueError())).splitlines()[-1]


def _caused() -> None:
    try:
        raise ValueError(SECRET)  # noqa: TRY301  # it is to be handled
    except ValueError as error:
        raise LookupError(SECRET) from error


def _while_handling() -> None:
    try:
        raise ValueError(SECRET)  # noqa: TRY301  # it is to be handled
    except ValueError:
        raise LookupError(SECRET)  # noqa: B904  # without a cause: that is the case


@pytest.mark.parametrize(
    ("work", "joint"), [(_caused, "direct cause"), (_while_handling, "During handling of the above exception")]
)
def test_a_chain(work: Callable[[], None], joint: str) -> None:
    """Both exceptions of a chain are told, with how they belong together, and neither's message."""
    with pytest.raises(LookupError) as raised:
        work()
    stack = without_messages("".join(traceback.format_exception(raised.value)))
    lines = stack.splitlines()
    assert ["ValueError", "LookupError"] == [line for line in lines if line in {"ValueError", "LookupError"}]
    assert joint in stack
    assert SECRET not in stack


@pytest.mark.parametrize(
    "message",
    [
        f"first\nsecond {SECRET}",
        f"first\n  indented {SECRET}",
        f"first\n\n    {SECRET}\n",
        f"The above exception was {SECRET}",
        f"first\nDuring handling of the above exception, another {SECRET}",
        f"first\nTraceback (most recent call last):\n  File {SECRET}\nValueError: {SECRET}",
        f"Traceback (most recent call last):\n  {SECRET}",
        f"first\n\n{CAUSE}\n\nTraceback (most recent call last):\n  File {SECRET}\n    {SECRET}\nValueError: {SECRET}",
        f"first\n\n{CAUSE}\n\nTraceback (most recent call last):\n    {SECRET}\n",
        f"first\r  File {SECRET}",
        f"first\u2028  File {SECRET}",
    ],
)
def test_messages_of_many_lines(message: str) -> None:
    """Whatever lines a message has, none of them is told, even if it looks like a traceback."""
    assert SECRET not in without_messages(text_of(KeyError(message)))
    assert SECRET not in without_messages(text_of(ValueError(message)))


def test_notes_are_messages() -> None:
    """What was noted on an exception is not told."""
    error = ValueError("first")
    error.add_note(f"order {SECRET}")
    assert SECRET not in without_messages(text_of(error))


def test_a_cause_that_was_never_raised() -> None:
    """A cause without a stack leaves only its place in the chain."""
    stack = without_messages(f"ValueError: {SECRET}\n\n{CAUSE}\n\n{text_of(LookupError(SECRET))}")
    assert [CAUSE, "", "Traceback (most recent call last):"] == stack.splitlines()[:3]
    assert SECRET not in stack


def test_a_syntax_error() -> None:
    """Of a syntax error its place in our code is told, and not what could not be read: that may be anybody's text."""
    with pytest.raises(SyntaxError) as raised:
        compile(f"{SECRET} order", "<order>", "exec")
    stack = without_messages("".join(traceback.format_exception(raised.value)))
    assert ("SyntaxError", False) == (stack.splitlines()[-1], SECRET in stack.replace(f'f"{SECRET}', ""))


def test_a_deep_recursion() -> None:
    """That a line was repeated is told."""

    def deeper() -> None:
        deeper()

    with pytest.raises(RecursionError) as raised:
        deeper()
    assert "  [Previous line repeated " in without_messages("".join(traceback.format_exception(raised.value)))


def test_a_class_within_a_function() -> None:
    """A class that was made in a function has its whole name."""
    kind = type("LocalError", (Exception,), {"__qualname__": "order.<locals>.LocalError", "__module__": "shop"})
    assert "shop.order.<locals>.LocalError" == without_messages(text_of(kind(SECRET))).splitlines()[-1]


def test_a_group() -> None:
    """The parts of an exception group are not told with their messages."""
    group = ExceptionGroup(f"several {SECRET}", [ValueError(SECRET), KeyError(SECRET)])
    assert SECRET not in without_messages(text_of(group))


def test_a_long_one_keeps_its_end() -> None:
    """Of a long stack the end is kept, where the exception was raised."""
    frames = "".join(f'  File "shop.py", line {number}, in order\n' for number in range(1000))
    stack = without_messages(f"Traceback (most recent call last):\n{frames}ValueError: {SECRET}")
    assert (MAX_LENGTH, True) == (len(stack), stack.endswith("\nValueError"))


def test_what_is_no_traceback_is_nothing() -> None:
    """Of a text that is none nothing is told: it could say anything."""
    assert "" == without_messages(SECRET).strip()


words = st.text(st.characters(categories=["L", "Nd", "Zs", "Cc", "P", "Zl"]), max_size=30)


@given(words, words, st.sampled_from([ValueError, KeyError, RuntimeError]))
def test_no_message_leaks(before: str, after: str, kind: type[Exception]) -> None:
    """No exception's message is in its stack, whatever it is made of."""
    stack = without_messages(text_of(kind(f"{before}{SECRET}{after}")))
    assert SECRET not in stack
    assert kind.__name__ in stack
