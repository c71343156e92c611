"""Makes a `WorkerAnswer` of what a worker sent, of whatever shape that is: texts and numbers come from messages."""

from collections.abc import Iterator, Mapping
from typing import Any

from celery_otel.untrusted import count, representation, seconds, text
from celery_otel.worker_answer import STATES, EndedTask, HeldTask, WorkerAnswer, total

Json = dict[str, Any]

COMMANDS = (*STATES, "stats", "active_queues")
"""Celery's own commands for a worker that is not instrumented."""


def of_report(name: str, report: Json, arrived: float) -> WorkerAnswer:
    """The answer of an instrumented worker.

    Args:
        name: Its node name.
        report: What `hooks.worker_report` made.
        arrived: The Unix time when it was here.

    Raises:
        KeyError: It lacks something: it may be of another version of celery-otel.
        TypeError: Something in it has another shape.
        ValueError: The same.
        AttributeError: The same.
    """
    pool = report["pool"]
    remembers = report["remembers_revokes"]
    return WorkerAnswer(
        name,
        instrumented=True,
        pool=_pool(text(pool["kind"])),
        max_concurrency=count(pool["max_concurrency"]),
        busy=count(report["busy"]),
        prefetch_count=count(report["prefetch_count"]),
        prefetch_limit=count(report["prefetch_limit"]),
        pid=count(report["pid"]),
        uptime=seconds(report["uptime"]),
        queues=tuple(text(queue) for queue in report["queues"]),
        versions={key: text(report[said]) for key, said in _VERSIONS.items()},
        remembers_revokes=None if remembers is None else bool(remembers),
        clock_difference=_time(report["now"]) - arrived,
        settings=dict(report["settings"]),
        tasks=tuple(_held(name, state, task) for state in STATES for task in report[state]),
        counts=_known({state: count(report["counts"][state]) for state in STATES}),
        ended=tuple(_ended(name, task) for task in report["ended"]),
        worker_name=text(report["worker_name"]),
    )


_VERSIONS = {"celery": "celery", "celery-otel": "version", "python": "python"}


def _time(value: Any) -> float:
    found = seconds(value)
    if found is None:
        raise ValueError("a time is no finite number")
    return found


def _known(counts: Mapping[str, int | None]) -> dict[str, int]:
    return {state: number for state, number in counts.items() if number is not None}


def _pool(module: str) -> str:
    """The kind of a pool as the command line names it, from the last part of the name of Celery's module."""
    return "threads" if module == "thread" else module


def _held(worker: str, state: str, task: Json) -> HeldTask:
    return HeldTask(
        worker,
        text(task["id"]),
        text(task["name"]),
        state,
        queue=text(task["queue"]),
        # Celery keeps the time of a start that a retry of the request has had before.
        time_start=seconds(task["time_start"]) if state == "active" else None,
        eta=seconds(task["eta"]),
        retries=count(task["retries"]) or 0,
        args=text(task["args"]),
        kwargs=text(task["kwargs"]),
        pid=count(task["pid"]),
    )


def _ended(worker: str, task: Json) -> EndedTask:
    trace = task["trace_id"]
    return EndedTask(
        worker,
        text(task["id"]),
        text(task["name"]),
        text(task["status"]),
        text(task["error_type"]),
        text(task["queue"]),
        count(task["retries"]) or 0,
        seconds(task["started_at"]),
        _time(task["ended_at"]),
        seconds(task["runtime"]),
        None if trace is None else text(trace),
    )


def of_commands(name: str, answers: Mapping[str, Any]) -> WorkerAnswer:
    """The answer of a worker that is not instrumented: what it did not tell is None, or not among the counts.

    Args:
        name: Its node name.
        answers: What it answered, by `COMMANDS`: anything; None where it did not.
    """
    stats = _mapping(answers["stats"])
    pool = _mapping(stats.get("pool"))
    tasks = tuple(_celerys(name, state, task) for state in STATES for task in _tasks(answers[state]))
    # A worker that fails says so in a dictionary.
    told = [state for state in STATES if isinstance(answers[state], list)]
    counts = {state: sum(task.state == state for task in tasks) for state in told}
    return WorkerAnswer(
        name,
        instrumented=False,
        pool=_pool(text(pool.get("implementation", "")).rpartition(":")[0].rpartition(".")[2]),
        max_concurrency=count(pool.get("max-concurrency")),
        busy=counts.get("active"),
        prefetch_count=total([counts.get("reserved"), counts.get("scheduled")]),
        prefetch_limit=count(stats.get("prefetch_count")),
        pid=count(stats.get("pid")),
        uptime=seconds(stats.get("uptime")),
        queues=tuple(text(queue["name"]) for queue in _entries(answers["active_queues"]) if "name" in queue),
        tasks=tasks,
        counts=counts,
    )


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _entries(value: Any) -> Iterator[Json]:
    if isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, dict))


def _tasks(value: Any) -> Iterator[Json]:
    """The tasks of a list; those of the schedule are within their entries."""
    tasks = (_mapping(entry.get("request", entry)) for entry in _entries(value))
    return (task for task in tasks if "id" in task and "name" in task)


def _celerys(worker: str, state: str, task: Json) -> HeldTask:
    return HeldTask(
        worker,
        text(task["id"]),
        text(task["name"]),
        state,
        queue=text(_mapping(task.get("delivery_info")).get("routing_key") or ""),
        time_start=seconds(task.get("time_start")) if state == "active" else None,
        args=representation(task.get("args")),
        kwargs=representation(task.get("kwargs")),
        pid=count(task.get("worker_pid")),
    )
