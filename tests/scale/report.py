"""Turns results into the tables of docs/guides/scale-out.md."""

from collections.abc import Sequence

from tests.scale.trials import Result

BEGIN = "<!-- tried: begin, by python -m tests.scale --write -->"
END = "<!-- tried: end -->"
SIZED_BEGIN = "<!-- sized: begin, by python -m tests.scale.sizing --write -->"
SIZED_END = "<!-- sized: end -->"

_HEAD = (
    "tried",
    "attempts, series equal to the plan",
    "traces (by both agents)",
    "sampled by two gateways",
    "whole, halved in Jaeger",
    "failures lost",
    "spans missing, of",
)


def table(results: Sequence[Result]) -> str:
    """The trials as a Markdown table, a row each."""
    return markdown(_HEAD, [_row(result) for result in results])


def _row(result: Result) -> tuple[str, ...]:
    verdict = result.verdict
    event = f": {result.course.said}" if result.trial.event else ""
    return (
        f"{result.trial.title}{event}",
        f"{result.attempts}, {len(result.plan)}",
        f"{verdict.traces} ({verdict.by_two_agents})",
        f"{verdict.split}",
        f"{verdict.whole}, {verdict.halved}",
        f"{verdict.lost}",
        f"{verdict.missing}, {verdict.spans}",
    )


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def replaced(page: str, text: str, begin: str = BEGIN, end: str = END) -> str:
    """The page with another text between two marks.

    Raises:
        ValueError: The page has not both marks.
    """
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"the page has no '{begin}' that '{end}' follows: put both where the table belongs")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"
