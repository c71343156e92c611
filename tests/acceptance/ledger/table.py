"""The ledger's result: a row per outcome, printed and kept."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.acceptance.ledger.balance import differences
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.outcome import Outcome
from tests.acceptance.ledger.plan import Plan, Series, multiplied

#: What one counts an outcome by.
ATTEMPTS = {"celery_task_received_total", "celery_task_unknown_total", "celery_messages_invalid_total"}


@dataclass(frozen=True)
class Row:
    """One outcome under one set of conditions.

    Attributes:
        outcome: Its name.
        planned: Attempts (or messages) that the plan has.
        found: Attempts (or messages) that Prometheus has.
        series: How many series were compared.
        equal: Whether all of them are equal.
        remark: What Celery itself does not do here.
    """

    outcome: str
    planned: int
    found: int
    series: int
    equal: bool
    remark: str


@dataclass(frozen=True)
class Table:
    """A run's rows, with what is needed to run it again."""

    run: str
    conditions: str
    seed: int
    rows: Sequence[Row]

    def __str__(self) -> str:
        """The table as Markdown."""
        head = f"### {self.run} ({self.conditions}; seed {self.seed})\n\n"
        columns = "| outcome | plan | Prometheus | series | equal | Celery itself |\n"
        columns += "| --- | ---: | ---: | ---: | --- | --- |\n"
        return head + columns + "\n".join(map(_line, self.rows)) + "\n"

    def keep(self) -> None:
        """Write the table into the folder that LEDGER_RESULTS names, if any: as Markdown and as JSON."""
        folder = os.environ.get("LEDGER_RESULTS")
        if not folder:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        base = Path(folder, self.run)
        base.with_suffix(".md").write_text(str(self))
        base.with_suffix(".json").write_text(json.dumps(asdict(self), indent=1) + "\n")


def rows(outcomes: Sequence[Outcome], conditions: Conditions, found: Plan) -> list[Row]:
    """A row for each outcome: those that cannot be had here have a remark and no attempts."""
    return [_row(outcome, conditions, found) for outcome in outcomes]


def _row(outcome: Outcome, conditions: Conditions, found: Plan) -> Row:
    remark = outcome.remark(conditions)
    if not outcome.possible(conditions):
        return Row(outcome.name, 0, 0, 0, equal=True, remark=remark)
    plan = multiplied(outcome.expect(conditions), outcome.times)
    mine = Plan({key: value for key, value in found.items() if key in plan or _tasks(key) & _all_tasks(plan)})
    wrong = differences(plan, mine)
    return Row(outcome.name, _attempts(plan), _attempts(mine), len(set(plan) | set(mine)), not wrong, remark)


def _attempts(plan: Plan) -> int:
    return sum(value for key, value in plan.items() if key.metric in ATTEMPTS)


def _tasks(key: Series) -> set[str]:
    return {value for name, value in key.labels if name == "task_name"}


def _all_tasks(plan: Plan) -> set[str]:
    return set().union(*map(_tasks, plan))


def _line(row: Row) -> str:
    equal = "yes" if row.equal else "**no**"
    figures = f"{row.planned} | {row.found} | {row.series} | {equal}" if row.series else "not had | | |"
    return f"| {row.outcome} | {figures} | {row.remark} |"
