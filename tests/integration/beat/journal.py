"""What a scheduler itself did, line by line: what the numbers are held against."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Line:
    """One run of an entry. Times are Unix times in seconds, as the schedule remembers them.

    Attributes:
        entry: The entry's name.
        last: When it was run before.
        at: When it was run.
        sent: Whether its task was published.
    """

    entry: str
    last: float
    at: float
    sent: bool


class Journal:
    """A file with the runs of all lives of a beat.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, line: Line) -> None:
        """Adds a line."""
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(line)) + "\n")

    def lines(self, entry: str) -> list[Line]:
        """The runs of an entry."""
        if not self._path.exists():
            return []
        # The last line may be under way.
        whole = self._path.read_text().rpartition("\n")[0].splitlines()
        return [line for line in (Line(**json.loads(text)) for text in whole) if line.entry == entry]


def missed(lines: list[Line], seconds: float) -> int:
    """How many runs of an interval were missed, by what the schedule remembers.

    Args:
        lines: The runs.
        seconds: The interval.
    """
    return sum(max(1, int((line.at - line.last) // seconds)) - line.sent for line in lines)


class Journalled:
    """Mixed into a scheduler, writes its journal."""

    app: Any

    def reserve(self: Any, entry: Any) -> Any:
        """Celery takes an entry to be sent."""
        following = super().reserve(entry)  # type: ignore[misc]  # the scheduler's
        self.taken = Line(entry.name, entry.last_run_at.timestamp(), following.last_run_at.timestamp(), sent=False)
        return following

    def apply_async(self: Any, entry: Any, *args: Any, **kwargs: Any) -> Any:
        """Celery sends it."""
        try:
            result = super().apply_async(entry, *args, **kwargs)  # type: ignore[misc]  # the scheduler's
        except BaseException:
            # Also a beat that is told to end meanwhile.
            self.app.journal.write(self.taken)
            raise
        self.app.journal.write(replace(self.taken, sent=True))
        return result
