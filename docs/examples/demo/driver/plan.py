"""What the driver sends, and what must come of it: every attempt of every job, known beforehand.

Nothing here asks Celery or the metrics. A job's attempts follow from its input alone: a file that is
no picture is rejected, a page that the server refuses twice is fetched at the third attempt.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from .model_run import ModelRun

Status = Literal["success", "failure", "retry", "revoked", "rejected", "ignored"]
STATUSES: tuple[Status, ...] = ("success", "failure", "retry", "revoked", "rejected", "ignored")


@dataclass(frozen=True)
class Attempt:
    """One attempt to run a job, and its end.

    Attributes:
        status: How it ends.
        detail: Failure: the error type. Retry: the reason. Revoked: the cause. Else empty.
        started: A child began to run it. What is revoked or expired in time never starts.
        limit: The time limit that fires, if one does.
    """

    status: Status
    detail: str = ""
    started: bool = True
    limit: Literal["", "soft", "hard"] = ""


class Intervention(Enum):
    """What the driver does to a job besides sending it."""

    NONE = "none"
    REVOKE_BEFORE = "revoke it before it is sent"
    REVOKE_WAITING = "revoke it while it waits for its time"
    TERMINATE = "terminate it while it runs"
    KILL_CHILD = "kill the process that runs it, as the system does when memory is short"


@dataclass(frozen=True)
class Job:
    """One task with its input, and the attempts that must come of it.

    Attributes:
        id: The task id it is sent under.
        task: Its registered name.
        kwargs: Its input. In a chain the result of the job before it comes on top.
        attempts: What must happen, in order. Empty for a link that a broken chain never reaches.
        options: How it is sent: limits in seconds, countdown, expiry.
        intervention: What the driver does to it.
        run: The model that it trains, or the search that it makes.
    """

    id: str
    task: str
    kwargs: Mapping[str, Any]
    attempts: tuple[Attempt, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    intervention: Intervention = Intervention.NONE
    run: ModelRun | None = None


@dataclass(frozen=True)
class Unit:
    """Jobs that are sent together.

    Attributes:
        kind: How they hang together. The last job of a chord is its body; a request is what the web front makes of an
            order.
        jobs: One for `single`, more for the others.
    """

    kind: Literal["single", "chain", "group", "chord", "request"]
    jobs: tuple[Job, ...]


@dataclass(frozen=True, order=True)
class Key:
    """Names one number that Prometheus must show.

    Attributes:
        metric: The series' name.
        subject: Its `task_name`; of training and tuning its `model_type` or `method`.
        label: Its further label, or empty.
        value: That label's value.
    """

    metric: str
    subject: str
    label: str = ""
    value: str = ""


TOTAL = "celery_task_total"
RECEIVED = "celery_task_received_total"
SAMPLES = "celery_task_duration_seconds_count"
DETAILS = {
    "failure": ("celery_task_failures_total", "error_type"),
    "retry": ("celery_task_retries_total", "reason"),
    "revoked": ("celery_task_revocations_total", "cause"),
}
TIMEOUTS = "celery_task_timeouts_total"
ALWAYS_ZERO = ("celery_active_tasks", "celery_task_returned_total", "celery_task_duplicates_total")


@dataclass(frozen=True)
class Plan:
    """All units in the order they are sent.

    Attributes:
        seed: What the plan was made from: the same seed makes the same plan.
        units: What is sent.
        tasks: Names of all the tasks of the playground.
    """

    seed: int
    units: Sequence[Unit]
    tasks: Sequence[str]

    @property
    def jobs(self) -> list[Job]:
        """Every job of every unit."""
        return [job for unit in self.units for job in unit.jobs]

    @property
    def attempts(self) -> int:
        """How many attempts there will be."""
        return sum(len(job.attempts) for job in self.jobs)

    def expected(self) -> dict[Key, int]:
        """Return every number that Prometheus must show, zeros included."""
        numbers = Counter(key for job in self.jobs for key in _keys(job))
        for job in self.jobs:
            numbers.update(_run_numbers(job))
        return dict.fromkeys(self._zeros(), 0) | numbers

    def _zeros(self) -> Iterator[Key]:
        for task in self.tasks:
            yield from (Key(TOTAL, task, "status", status) for status in STATUSES)
            yield from (Key(TIMEOUTS, task, "limit", limit) for limit in ("soft", "hard"))
            yield from (Key(metric, task) for metric in (*ALWAYS_ZERO, RECEIVED))


def _keys(job: Job) -> Iterator[Key]:
    """Yield each number that an attempt of the job adds one to."""
    for attempt in job.attempts:
        yield Key(TOTAL, job.task, "status", attempt.status)
        yield Key(RECEIVED, job.task)
        if attempt.started:
            yield Key(SAMPLES, job.task, "status", attempt.status)
        if attempt.limit:
            yield Key(TIMEOUTS, job.task, "limit", attempt.limit)
        if attempt.status in DETAILS:
            metric, label = DETAILS[attempt.status]
            yield Key(metric, job.task, label, attempt.detail)


def _run_numbers(job: Job) -> dict[Key, int]:
    """Return what the job's run adds to each series of training and tuning."""
    if job.run is None:
        return {}
    return {Key(metric, job.run.label, label, value): more for metric, label, value, more in job.run.numbers()}
