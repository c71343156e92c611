"""Writes the page that shows the ledger's result: a row for each outcome, a column for each way of running workers.

`LEDGER_RESULTS=folder make test TESTS=tests/acceptance` keeps the tables of the runs, and
`python -m tests.acceptance.ledger.page folder` makes docs/reference/ledger.md of them.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "ledger.md"
#: The runs of the page, by the name of their queue, and what their column is called.
RUNS = {
    "prefork-early": "prefork, early ack",
    "prefork-late": "prefork, late ack",
    "rabbitmq-early": "prefork, RabbitMQ, early ack",
    "rabbitmq-late": "prefork, RabbitMQ, late ack",
    "celery54-early": "prefork, Celery 5.4, early ack",
    "celery54-late": "prefork, Celery 5.4, late ack",
    "threads-early": "threads, early ack",
    "threads-late": "threads, late ack",
    "solo-early": "solo",
    "gevent-early": "gevent",
    "eventlet-early": "eventlet",
}
#: The runs of training and tuning, in the same way.
TRAINING = {
    "runs-prefork": "prefork",
    "runs-threads": "threads",
    "runs-solo": "solo",
    "runs-gevent": "gevent",
    "runs-eventlet": "eventlet",
}
HEAD = """# The ledger's result

*Written by `python -m tests.acceptance.ledger.page` from the tables of one run of `make test`.*

Two workers with four slots each run a known plan of attempts, all outcomes interleaved in an order that a printed seed
decides. Every number is the attempts (or messages) of the plan; every series that they must add to, and the spans that
the collector took, were equal to the plan in each cell, or the run would have failed. A dash: Celery cannot have this
outcome there, as the remark says. The runs with recycled and autoscaled children, killed and absent servers, restarted
workers and lost brokers compare the same rows and are not repeated here.
"""
TRAINING_HEAD = """
## Training and tuning

Tasks that train and tune, in the same way: besides the series of their attempts, every series of their runs was equal
to the plan: results, durations, how many samples, features and iterations in all, and the best scores. A run whose
process is killed is one failure.
"""

Results = Mapping[str, Mapping[str, Any]]


def main(folder: Path) -> None:
    """Writes the page from the tables in a folder.

    Raises:
        FileNotFoundError: A run of the page has left no table there.
    """
    results = {run: json.loads((folder / f"{run}.json").read_text()) for run in {**RUNS, **TRAINING}}
    PAGE.write_text(page(results))


def page(results: Results) -> str:
    """The page's text."""
    remarks = ["", "## What Celery does differently", "", *_remarks(results), ""]
    return "\n".join([HEAD, *_table(results, RUNS), TRAINING_HEAD, *_table(results, TRAINING), *remarks])


def _table(results: Results, runs: Mapping[str, str]) -> list[str]:
    outcomes = [row["outcome"] for row in results[next(iter(runs))]["rows"]]
    columns = [_cells(results[run]["rows"]) for run in runs]
    lines = [f"| {outcome} | {' | '.join(column.get(outcome, '') for column in columns)} |" for outcome in outcomes]
    return [f"| outcome | {' | '.join(runs.values())} |", "| --- |" + " ---: |" * len(runs), *lines]


def _cells(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {row["outcome"]: _cell(row) for row in rows}


def _cell(row: Mapping[str, Any]) -> str:
    if not row["series"]:
        return "—"
    return f"{row['found']}" if row["equal"] else f"**{row['found']} of {row['planned']}**"


def _remarks(results: Results) -> list[str]:
    """A line for each remark, with the runs that it is about."""
    about: dict[tuple[str, str], list[str]] = {}
    for run, name in {**RUNS, **TRAINING}.items():
        for row in results[run]["rows"]:
            if row["remark"]:
                about.setdefault((row["outcome"], row["remark"]), []).append(name)
    return [f"- {outcome} ({'; '.join(runs)}): {remark}" for (outcome, remark), runs in about.items()]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
