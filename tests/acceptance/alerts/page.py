"""Writes the page that shows how long each alert took to fire and to be over when its fault was made for real.

`ALERT_RESULTS=folder make test TESTS=tests/acceptance/alerts` keeps the rows of the runs, and
`python -m tests.acceptance.alerts.page folder` makes docs/reference/alert-faults.md of them.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from celery_otel_pipeline.rules import thresholds
from tests.acceptance.alerts.shortened import shortened
from tests.acceptance.alerts.table import Row, by_alert

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "alert-faults.md"
HEAD = """# Alerts, proven by faults

*Written by `python -m tests.acceptance.alerts.page` from one run of `make test TESTS=tests/acceptance/alerts`.*

Each fault was made for real: processes were killed, stopped or blocked, queues filled, tasks failed. The rules were
those of this repository with shorter waits, which the table names beside those that are shipped; everybody exported
and Prometheus looked every second. An alert had to fire in Prometheus, to be held by Alertmanager (as amtool says) and
to reach its receiver; after the repair it had to be over for all three. No other alert was notified.

Seconds are from the fault until Prometheus was seen to fire (it was asked about once a second) and until the receiver
was told, of which 3 s are Alertmanager's wait for what comes together, and from the repair until the receiver was told
that it is over. What is measured over a window is over when the window has passed; for what passed by itself the repair
is the moment of the fault. With the numbers that are shipped all of it takes longer by what they are longer. The run
shared a machine of two cores with others.
"""


def main(folder: Path) -> None:
    """Writes the page from the rows in a folder."""
    lines = [line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]
    PAGE.write_text(page([json.loads(line) for line in lines]))


def page(rows: Sequence[Row]) -> str:
    """The page's text."""
    head = "| alert | fault | numbers in the test | shipped | fired | notified | over |"
    return "\n".join([HEAD, head, "| --- | --- | --- | --- | ---: | ---: | ---: |", *map(_line, by_alert(rows)), ""])


def _line(row: Row) -> str:
    alert = row["alert"]
    shipped = thresholds()[alert]
    seconds = (f"{seconds:.1f} s" for seconds in (row["fired"], row["notified"], row["resolved"]))
    cells = [alert, row["fault"], _numbers({**shipped, **shortened().get(alert, {})}), _numbers(shipped), *seconds]
    return f"| {' | '.join(cells)} |"


def _numbers(numbers: dict[str, float | str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in numbers.items())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
