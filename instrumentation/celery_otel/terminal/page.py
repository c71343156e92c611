"""The overview as text for people."""

from collections.abc import Sequence

from celery_otel.broker import QueueLength
from celery_otel.inspection import HeldTask, WorkerAnswer
from celery_otel.terminal.overview import Overview, timestamp
from celery_otel.terminal.table import Column, cut, table
from celery_otel.terminal.units import duration

MOST = 20
"""Tasks that a table shows."""
NUMBER = True
_WORKERS = (
    Column("WORKER"),
    Column("STATUS"),
    Column("POOL"),
    Column("BUSY", NUMBER),
    Column("PREFETCH", NUMBER),
    Column("QUEUES"),
    Column("UPTIME", NUMBER),
    Column("CELERY"),
    Column("CELERY-OTEL"),
)
_QUEUES = (Column("QUEUE"), Column("LENGTH", NUMBER), Column("WORKERS", NUMBER))


def page(overview: Overview, width: int | None) -> str:
    """The whole page.

    Args:
        overview: What it shows.
        width: Columns of the terminal; None if nothing is to be cut.
    """
    parts = [[cut(_headline(overview), width)]]
    parts += [table(_WORKERS, _workers(overview), width)] if overview.workers else []
    parts += [table(_QUEUES, _queues(overview), width)] if overview.queues else []
    parts += _tasks(overview, width)
    return "\n\n".join("\n".join(lines) for lines in parts)


def _headline(overview: Overview) -> str:
    counts = ", ".join(f"{_known(number)} {state}" for state, number in overview.counts.items())
    number = len(overview.workers)
    workers = f"{number} worker{'' if number == 1 else 's'}"
    # People read whole seconds.
    return f"{timestamp(int(overview.at)).replace('.000', '')}  {workers}  tasks: {counts}"


def _workers(overview: Overview) -> list[list[str]]:
    return [_worker(worker) for worker in overview.workers]


def _worker(worker: WorkerAnswer) -> list[str]:
    return [
        worker.name,
        "online",
        worker.pool or "-",
        f"{_known(worker.busy)}/{worker.max_concurrency or '-'}",
        _known(worker.prefetch_count),
        ", ".join(worker.queues) or "none",
        duration(worker.uptime),
        worker.versions.get("celery", "-"),
        worker.versions.get("celery-otel", "-") if worker.instrumented else "no",
    ]


def _known(number: int | None) -> str:
    return "?" if number is None else str(number)


def _queues(overview: Overview) -> list[list[str]]:
    return [_queue(queue, overview.workers) for queue in overview.queues]


def _queue(queue: QueueLength, workers: Sequence[WorkerAnswer]) -> list[str]:
    length = f"unknown: {queue.reason}" if queue.length is None else str(queue.length)
    return [queue.name, length, str(sum(queue.name in worker.queues for worker in workers))]


def _tasks(overview: Overview, width: int | None) -> list[list[str]]:
    longest_first = sorted(overview.tasks("active"), key=lambda task: -(overview.running(task) or 0.0))
    soonest_first = sorted(overview.tasks("scheduled"), key=lambda task: task.eta or 0.0)
    return [
        *_section("ACTIVE", "RUNNING", [(task, overview.running(task)) for task in longest_first], overview, width),
        *_section("RESERVED", "", [(task, None) for task in overview.tasks("reserved")], overview, width),
        *_section(
            "SCHEDULED", "STARTS IN", [(task, overview.waiting(task)) for task in soonest_first], overview, width
        ),
    ]


def _section(
    state: str, time_title: str, tasks: list[tuple[HeldTask, float | None]], overview: Overview, width: int | None
) -> list[list[str]]:
    """The table of the tasks in one state; none of an empty one."""
    if not tasks:
        return []
    timed = [Column(time_title, NUMBER)] if time_title else []
    columns = [Column(state), Column("ID"), Column("WORKER"), Column("QUEUE"), *timed]
    rows = [
        [task.task_name, task.task_id, task.worker, task.queue or "-", *([duration(seconds)] if time_title else [])]
        for task, seconds in tasks[:MOST]
    ]
    more = (overview.counts[state.lower()] or len(tasks)) - len(rows)
    return [[*table(columns, rows, width), *([f"and {more} more"] if more > 0 else [])]]
