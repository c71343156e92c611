"""What Celery itself has logged of each attempt: the witness of rounds in which nobody can plan what is delivered.

MAIN logs each message that it makes a request of; the process that runs a task logs how it ends. With no process
killed, both are whole.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from tests.acceptance.ledger.plan import Plan, count, ran, total

_LINE = re.compile(
    r"^\[(?P<at>[\d-]+ [\d:]+,\d+): \w+/[\w-]+\] Task (?P<task>ledger\.\w+)\[(?P<id>[0-9a-f-]{36})\] (?P<said>.+)$",
    re.MULTILINE,
)
RECEIVED = "received"
#: How a line goes on, and which end it tells of.
_ENDS = (
    (re.compile(r"succeeded in "), "success"),
    (re.compile(r"raised (?:un)?expected: (?P<detail>\w+)"), "failure"),
    (re.compile(r"retry: Retry in [\d.]+s(?:: (?P<detail>\w+))?"), "retry"),
    (re.compile(r"ignored$"), "ignored"),
    (re.compile(r"reject requeue=False"), "rejected"),
    (re.compile(r"received$"), RECEIVED),
)
#: What Celery calls a retry for which the task gave no exception.
_NO_CAUSE = {"retry": "Retry"}
#: Attempts that had an ETA, by task and end.
_WAITED = {("ledger.delayed", "success"), ("ledger.retry_bare", "success")}


class Said(NamedTuple):
    """One line: when (Unix time), of which attempt, and what: `received` or a status, with its detail."""

    at: float
    task: str
    task_id: str
    what: str
    detail: str


def told_by(log: str) -> list[Said]:
    """All that a worker's log says of the ledger's tasks."""
    return [said for line in _LINE.finditer(log) if (said := _said(line))]


def plan_of(testified: Iterable[Said], queue: str) -> Plan:
    """The series that belong to what was logged, but for what was given back to the broker."""
    return total(*map(_adds, testified, _always(queue)))


def _said(line: re.Match[str]) -> Said | None:
    at = datetime.strptime(line["at"], "%Y-%m-%d %H:%M:%S,%f").timestamp()  # noqa: DTZ007 - Celery logs local time
    for pattern, what in _ENDS:
        if match := pattern.match(line["said"]):
            detail = match.groupdict().get("detail") or _NO_CAUSE.get(what, "")
            return Said(at, line["task"], line["id"], what, detail)
    return None


def _adds(said: Said, queue: str) -> Plan:
    received = count("celery_task_received_total", task_name=said.task)
    if said.what == RECEIVED:
        return received
    eta = (said.task, said.what) in _WAITED
    # The receipt has a line of its own.
    return ran(said.task, queue, said.what, said.detail, eta=eta) - received


def _always(value: str) -> Iterator[str]:
    while True:
        yield value
