"""Tables fit into the terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celery_otel.terminal.table import Column, cut, printable, table
from celery_otel.terminal.units import duration

COLUMNS = (Column("NAME"), Column("LENGTH", right=True))


def test_a_table() -> None:
    """Columns are as wide as their widest cell, and numbers stand to the right."""
    expected = ["NAME    LENGTH", "celery       3", "mail       200"]
    assert expected == table(COLUMNS, [["celery", "3"], ["mail", "200"]], None)


def test_the_widest_column_gives_way() -> None:
    """Where there is no room, the widest cells are cut, and the others stay whole."""
    expected = ["NAME        LENGTH", "a-long-na…     200"]
    assert expected == table(COLUMNS, [["a-long-name-of-a-queue", "200"]], 18)


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5), st.integers(1, 200))
def test_no_line_is_longer_than_the_terminal(rows: list[tuple[str, str]], width: int) -> None:
    """Whatever the cells hold, no line is longer than the terminal is wide, and there is one for each row."""
    lines = table(COLUMNS, rows, width)
    assert (len(rows) + 1, True) == (len(lines), all(len(line) <= width for line in lines))


def test_names_cannot_command_the_terminal() -> None:
    """What a terminal would obey is not passed on to it."""
    assert "?[31mred?" == printable("\x1b[31mred\n")


def test_cut() -> None:
    """A text is cut to the width, the sign of it included."""
    assert ["abc", "ab…", "…"] == [cut("abc", 3), cut("abcd", 3), cut("abc", 1)]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "-"),
        (-1.0, "0.0s"),
        (3.24, "3.2s"),
        (59.4, "59s"),
        (60.0, "1m 00s"),
        (3_725.0, "1h 02m"),
        (90_000.0, "1d 01h"),
    ],
)
def test_durations(seconds: float | None, expected: str) -> None:
    """A duration is told in its two largest units."""
    assert expected == duration(seconds)
