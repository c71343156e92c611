"""What a worker answers who is asked what it does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

STATES = ("active", "reserved", "scheduled")
"""The states of a task that a worker holds."""


@dataclass(frozen=True, slots=True)
class HeldTask:
    """A task that a worker holds. Times are Unix times in seconds, of the worker's clock.

    Attributes:
        worker: The worker's node name.
        task_id: Its id.
        task_name: Its name.
        state: `active`, `reserved` or `scheduled`.
        queue: The queue or routing key it came by; empty if the worker does not say.
        time_start: When it began; None unless it is active.
        eta: Not before when it will begin; None if nothing holds it back.
        retries: How many attempts came before.
        args: Celery's representation of its arguments, cut.
        kwargs: The same of its keyword arguments.
        pid: The process that runs it, where there is one.
    """

    worker: str
    task_id: str
    task_name: str
    state: str
    queue: str = ""
    time_start: float | None = None
    eta: float | None = None
    retries: int = 0
    args: str = ""
    kwargs: str = ""
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class EndedTask:
    """An attempt that ended lately. Times are Unix times in seconds, of the worker's clock.

    Attributes:
        worker: The worker's node name.
        task_id: Its id.
        task_name: Its name.
        status: One of the statuses of `celery_task_total`.
        error_type: The class of the exception, or what else ended it; empty for a success.
        queue: The queue it came from.
        retries: How many attempts came before.
        started_at: When it began; None if it never did.
        ended_at: When it ended.
        runtime: How long it ran, in seconds; None if it never began.
        trace_id: Its trace, 32 hexadecimal digits; None without a span that was sampled.
    """

    worker: str
    task_id: str
    task_name: str
    status: str
    error_type: str
    queue: str
    retries: int
    started_at: float | None
    ended_at: float
    runtime: float | None
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class WorkerAnswer:
    """What one worker answered.

    Attributes:
        name: Its node name.
        instrumented: Whether celery-otel is at work in it: only then `ended` is known and the numbers are those of its
            series.
        pool: The kind of its pool.
        max_concurrency: How many tasks it can run at once; None if it does not say.
        busy: How many it runs; None likewise.
        prefetch_count: How many it holds that have not started; None likewise.
        prefetch_limit: Celery's limit for that (QoS); None if it does not say, 0 for no limit.
        pid: Of its main process.
        uptime: Seconds since its start.
        queues: What it consumes.
        versions: Of `celery`, and of `celery-otel` and `python` where known.
        remembers_revokes: Whether a revoke outlives its restart (`--statedb`); None if it does not say.
        clock_difference: How far its clock is ahead of ours, in seconds, as far as the way of the answer lets us know;
            None if it does not say.
        settings: Settings of Celery that numbers depend on.
        tasks: What it holds.
        counts: How many by state: more than `tasks` where these were too many; without the states that it did not tell.
        ended: Its attempts that ended since it was last asked.
        worker_name: The name that it has on its series; empty if it has none.
    """

    name: str
    instrumented: bool
    pool: str = ""
    max_concurrency: int | None = 0
    busy: int | None = 0
    prefetch_count: int | None = 0
    prefetch_limit: int | None = None
    pid: int | None = None
    uptime: float | None = None
    queues: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    remembers_revokes: bool | None = None
    clock_difference: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    tasks: tuple[HeldTask, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    ended: tuple[EndedTask, ...] = ()
    worker_name: str = ""


def total(numbers: Iterable[int | None]) -> int | None:
    """The sum of numbers; None if one of them is not known."""
    known = list(numbers)
    return None if None in known else sum(number or 0 for number in known)


def number_held(answers: Iterable[WorkerAnswer], states: Iterable[str] = STATES) -> int | None:
    """How many tasks some workers hold in some states; None if one of them did not tell it."""
    wanted = tuple(states)
    return total(answer.counts.get(state) for answer in answers for state in wanted)
