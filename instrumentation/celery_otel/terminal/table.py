"""Tables of plain text that fit into a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

GAP = "  "
NARROWEST = 5
"""Characters that a column keeps when others are cut."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        title: Its heading.
        right: Whether its cells are set to the right, as numbers are.
    """

    title: str
    right: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """The lines of a table, the headings first.

    Args:
        columns: Its columns.
        rows: Its cells.
        width: What a line may be long, cells being cut for it; None for no limit.
    """
    cells = [[column.title for column in columns], *([printable(cell) for cell in row] for row in rows)]
    widths = _fitting([max(len(row[index]) for row in cells) for index in range(len(columns))], width)
    return [cut(_line(columns, row, widths), width) for row in cells]


def cut(text: str, width: int | None) -> str:
    """A text, cut with … if it is longer than that."""
    if width is None or len(text) <= width:
        return text
    return text[: max(0, width - 1)] + "…"


def printable(text: str) -> str:
    """A text in one line without what a terminal would obey: names come from others."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _line(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        cut(cell, width).rjust(width) if column.right else cut(cell, width).ljust(width)
        for column, cell, width in zip(columns, row, widths, strict=True)
    )
    return GAP.join(cells).rstrip()


def _fitting(widths: list[int], width: int | None) -> list[int]:
    """These widths, the widest made narrower until they fit or all are narrow."""
    if width is None:
        return widths
    room = width - len(GAP) * (len(widths) - 1)
    while sum(widths) > room and max(widths) > NARROWEST:
        widest = widths.index(max(widths))
        widths = [*widths[:widest], widths[widest] - 1, *widths[widest + 1 :]]
    return widths
