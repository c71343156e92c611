"""Turns scores into the table of `docs/performance.md`."""

from collections.abc import Sequence

from tests.benchmarks.counts.score import Score

BEGIN = "<!-- counts: begin, by python -m tests.benchmarks.counts --write -->"
END = "<!-- counts: end -->"
STATUSES = ("success", "failure", "retry", "revoked", "rejected", "ignored")


def table(scores: Sequence[Score]) -> str:
    """A row for each contender: how many counts are right, and what it says of each status."""
    head = ("", "right counts", *STATUSES, "ended by itself")
    return "\n".join(map(_line, (head, ("---",) + ("---:",) * (len(head) - 1), *map(_row, scores))))


def details(scores: Sequence[Score]) -> str:
    """Every wrong count, contender by contender."""
    return "\n".join(line for score in scores for line in (f"{score.contender}:", *(f"  {w}" for w in score.wrong())))


def _row(score: Score) -> tuple[str, ...]:
    right = f"{score.right} of {len(score.planned)}"
    return (score.contender, right, *(_cell(*score.by_status(status)) for status in STATUSES), str(score.deaths))


def _cell(planned: int, shown: int) -> str:
    return str(shown) if planned == shown else f"**{shown}** of {planned}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
