"""What one monitor counted, beside what happened."""

from dataclasses import dataclass

from tests.benchmarks.counts.ended import Ends


@dataclass(frozen=True)
class Score:
    """What one contender counted.

    Attributes:
        contender: Its name.
        planned: What happened.
        shown: What it said.
        deaths: How often it has ended by itself in between, and was started again.
    """

    contender: str
    planned: Ends
    shown: Ends
    deaths: int = 0

    @property
    def right(self) -> int:
        """How many of the counts are right."""
        return sum(self.shown[key] == number for key, number in self.planned.items())

    def by_status(self, status: str) -> tuple[int, int]:
        """How many attempts ended so, and how many it says did."""
        return _with(self.planned, status), _with(self.shown, status)

    def wrong(self) -> list[str]:
        """A line for each count that is wrong."""
        keys = sorted(set(self.planned) | set(self.shown))
        return [
            f"{key.task} {key.status}: {self.planned[key]} happened, {self.shown[key]} shown"
            for key in keys
            if self.planned[key] != self.shown[key]
        ]


def _with(ends: Ends, status: str) -> int:
    return sum(number for key, number in ends.items() if key.status == status)
