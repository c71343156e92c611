"""The list of how long each alert took, as the end of a test run and the page of docs/reference show it."""

from collections.abc import Iterable, Sequence
from typing import TypedDict

#: The property of a test's report that carries a row.
PROPERTY = "alert-fault"
_HEAD = ("alert", "fault", "fired", "notified", "resolved")


class Row(TypedDict):
    """What one alert did after one fault.

    Attributes:
        alert: The rule's name.
        fault: What was broken, in a few words.
        fired: Seconds from the fault until Prometheus was seen to fire.
        notified: Seconds from the fault until the receiver was told.
        resolved: Seconds from the repair until the receiver was told that it is over.
    """

    alert: str
    fault: str
    fired: float
    notified: float
    resolved: float


def by_alert(rows: Iterable[Row]) -> list[Row]:
    """The rows in the order of a list."""
    return sorted(rows, key=lambda row: (row["alert"], row["fault"]))


def plain(rows: Sequence[Row]) -> list[str]:
    """The lines of a list for a terminal."""
    cells = [_HEAD, *(_cells(row) for row in by_alert(rows))]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    seconds = (row["fired"], row["notified"], row["resolved"])
    fired, notified, resolved = (f"{value:.1f} s" for value in seconds)
    return row["alert"], row["fault"], fired, notified, resolved
