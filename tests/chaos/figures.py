"""Keeps what rounds have shown, and writes the table of docs/reliability.md from it.

`python -m tests.chaos.figures FILE` writes the page from the lines that `make chaos FIGURES=FILE` has appended.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.chaos.events import EVENTS
from tests.chaos.result import Result
from tests.chaos.rounds import Round

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- chaos: begin, by python -m tests.chaos.figures -->", "<!-- chaos: end -->"
HEAD = (
    "| what went wrong | rounds | as they must | attempts | counts lost | spans lost | repeat it |",
    "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
)

Line = Mapping[str, Any]


def keep(file: Path, chosen: Round, result: Result | str, seconds: float) -> None:
    """Append one round: its events, and its figures if it came out as it must."""
    figures = asdict(result) if isinstance(result, Result) else {}
    about = {"seed": chosen.seed, "events": [event.key for event in chosen.possible], "state": chosen.state}
    names = {event.key: event.name for event in chosen.events}
    line = {**about, "names": names, "seconds": round(seconds), "equal": bool(figures), **figures}
    with file.open("a") as lines:
        lines.write(json.dumps(line) + "\n")


def main(file: Path) -> None:
    """Write the page's table.

    Raises:
        ValueError: The page has not got the marks between which it stands.
    """
    rows = table([json.loads(line) for line in file.read_text().splitlines()])
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{PAGE} has no {BEGIN} with {END} after it: put them where the table is to stand")
    PAGE.write_text("\n".join([before + BEGIN, "", *rows, "", END + after]))


def table(lines: Sequence[Line]) -> list[str]:
    """A row for each event, over all rounds that it was in; with the state kept it is another row."""
    order = [event.key for event in EVENTS]
    keys = sorted(
        {(key, line["state"]) for line in lines for key in line["events"]},
        key=lambda pair: (order.index(pair[0]) if pair[0] in order else len(order), pair[1]),
    )
    return [*HEAD, *(_row(key, state, [line for line in lines if _has(line, key, state)]) for key, state in keys)]


def _has(line: Line, key: str, state: object) -> bool:
    return key in line["events"] and line["state"] is state


def _row(key: str, state: object, lines: Sequence[Line]) -> str:
    name = lines[0]["names"][key] + ", their state kept" * bool(state)
    equal = sum(line["equal"] for line in lines)
    attempts, receipts, ends, spans = (
        sum(line.get(figure, 0) for line in lines)
        for figure in ("attempts", "lost_receipts", "lost_ends", "lost_spans")
    )
    counts = f"{receipts} receipts, {ends} ends" if receipts or ends else "0"
    # Nobody knows what a round has cost that was not compared, or whose comparison failed.
    unknown = f"; not known of {len(lines) - equal}" * (equal < len(lines))
    option = f"BLACK_HOLE={name.split()[-2]}" if key == "black-hole" else f"EVENT={key}{' STATE=1' * bool(state)}"
    cost = f"{counts}{unknown} | {spans}{unknown}"
    return f"| {name} | {len(lines)} | {equal} | {attempts} | {cost} | `make chaos {option}` |"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
