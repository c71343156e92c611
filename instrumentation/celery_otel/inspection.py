"""Asks the workers of an application what they are doing: one broadcast, and the answers of all who are there.

Every worker answers a ping. One that is instrumented answers with its report; of the others Celery's own commands are
asked, all of them at once by name, so that none is asked in vain.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from celery import Celery
from kombu.connection import Connection

ARGUMENT = "celery_otel"
"""The argument of a ping that asks for a report, and its key in the answer: see `hooks.control`."""

Json = dict[str, Any]
Clock = Callable[[], float]


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
        max_concurrency: How many tasks it can run at once.
        busy: How many it runs.
        prefetch_count: How many it holds that have not started.
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
        counts: How many by state: more than `tasks` where these were too many.
        ended: Its attempts that ended since it was last asked.
        worker_name: The name that it has on its series; empty if it has none.
    """

    name: str
    instrumented: bool
    pool: str = ""
    max_concurrency: int = 0
    busy: int = 0
    prefetch_count: int = 0
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


STATES = ("active", "reserved", "scheduled")
"""The states of a task that a worker holds."""
_PLAIN = (*STATES, "stats", "active_queues")
"""Celery's own commands for a worker that is not instrumented."""


class Inspection:
    """Asks the workers of one application. For one thread at a time.

    Args:
        app: The application.
        wall: Gives the Unix time.
    """

    def __init__(self, app: Celery, wall: Clock = time.time) -> None:
        self._app = app
        self._wall = wall

    def ask(
        self, connection: Connection, *, timeout: float, expected: Collection[str] = (), since: Mapping[str, float]
    ) -> list[WorkerAnswer]:
        """Asks all workers.

        Args:
            connection: A connection to the broker.
            timeout: Seconds to wait for a next answer.
            expected: Node names: when as many have answered, nobody else is waited for.
            since: For each worker when the last of its ended attempts ended that is known already.
        """
        asked = {ARGUMENT: {"since": dict(since)}}
        arrivals: dict[str, float] = {}
        answers = self._broadcast(
            "ping", connection, timeout, asked, limit=len(expected) or None, callback=partial(self._note, arrivals)
        )
        plain = [name for name, answer in answers.items() if not isinstance(answer.get(ARGUMENT), dict)]
        told = {
            name: self._told(name, answer[ARGUMENT], arrivals[name])
            for name, answer in answers.items()
            if name not in plain
        }
        told.update(self._ask_plain(plain, connection, timeout))
        return [told[name] for name in sorted(told)]

    def command(
        self, command: str, connection: Connection, *, timeout: float, expected: Collection[str] = (), **arguments: Any
    ) -> dict[str, Any]:
        """Sends any of Celery's own commands to all workers; returns the answers by node name."""
        return self._broadcast(command, connection, timeout, arguments, limit=len(expected) or None)

    def _broadcast(
        self,
        command: str,
        connection: Connection,
        timeout: float,
        arguments: Json,
        **how: Any,
    ) -> dict[str, Any]:
        """Sends a command; `how` is what else Celery's broadcast takes: `limit`, `destination`, `callback`."""
        replies = self._app.control.broadcast(
            command, arguments=arguments, connection=connection, reply=True, timeout=timeout, **how
        )
        return {str(name): answer for reply in replies or () for name, answer in reply.items()}

    def _ask_plain(self, names: list[str], connection: Connection, timeout: float) -> dict[str, WorkerAnswer]:
        if not names:
            return {}
        found = {command: self._broadcast(command, connection, timeout, {}, destination=names) for command in _PLAIN}
        return {name: _plain(name, {command: found[command].get(name) for command in _PLAIN}) for name in names}

    def _note(self, arrivals: dict[str, float], reply: Json) -> None:
        now = self._wall()
        arrivals.update(dict.fromkeys(reply, now))

    def _told(self, name: str, report: Json, arrived: float) -> WorkerAnswer:
        """The answer of an instrumented worker, and when it arrived."""
        pool = report["pool"]
        return WorkerAnswer(
            name,
            instrumented=True,
            pool=_pool(pool["kind"]),
            max_concurrency=pool["max_concurrency"],
            busy=report["busy"],
            prefetch_count=report["prefetch_count"],
            prefetch_limit=report["prefetch_limit"],
            pid=report["pid"],
            uptime=report["uptime"],
            queues=tuple(report["queues"]),
            versions={"celery": report["celery"], "celery-otel": report["version"], "python": report["python"]},
            remembers_revokes=report["remembers_revokes"],
            clock_difference=report["now"] - arrived,
            settings=report["settings"],
            tasks=tuple(_held(name, state, task) for state in STATES for task in report[state]),
            counts=report["counts"],
            ended=tuple(_ended(name, task) for task in report["ended"]),
            worker_name=report["worker_name"],
        )


def _pool(module: str) -> str:
    """The kind of a pool as the command line names it, from the last part of the name of Celery's module."""
    return "threads" if module == "thread" else module


def _held(worker: str, state: str, task: Json) -> HeldTask:
    return HeldTask(
        worker,
        task["id"],
        task["name"],
        state,
        queue=task["queue"],
        # Celery keeps the time of a start that a retry of the request has had before.
        time_start=task["time_start"] if state == "active" else None,
        eta=task["eta"],
        retries=task["retries"],
        args=task["args"],
        kwargs=task["kwargs"],
        pid=task["pid"],
    )


def _ended(worker: str, task: Json) -> EndedTask:
    return EndedTask(
        worker,
        task["id"],
        task["name"],
        task["status"],
        task["error_type"],
        task["queue"],
        task["retries"],
        task["started_at"],
        task["ended_at"],
        task["runtime"],
        task["trace_id"],
    )


def _plain(name: str, answers: Json) -> WorkerAnswer:
    """The answer of a worker that is not instrumented, from Celery's own commands: None where it gave none."""
    stats: Json = answers["stats"] if isinstance(answers["stats"], dict) else {}
    pool: Json = stats.get("pool") or {}
    tasks = tuple(_celerys(name, state, task) for state in STATES for task in answers[state] or ())
    counts = {state: sum(task.state == state for task in tasks) for state in STATES}
    queues = answers["active_queues"] or ()
    return WorkerAnswer(
        name,
        instrumented=False,
        pool=_pool(str(pool.get("implementation", "")).rpartition(":")[0].rpartition(".")[2]),
        max_concurrency=int(pool.get("max-concurrency") or 0),
        busy=counts["active"],
        prefetch_count=counts["reserved"] + counts["scheduled"],
        prefetch_limit=stats.get("prefetch_count"),
        pid=stats.get("pid"),
        uptime=stats.get("uptime"),
        queues=tuple(str(queue["name"]) for queue in queues),
        tasks=tasks,
        counts=counts,
    )


def _celerys(worker: str, state: str, told: Json) -> HeldTask:
    task: Json = told.get("request", told)
    return HeldTask(
        worker,
        str(task["id"]),
        str(task["name"]),
        state,
        queue=str((task.get("delivery_info") or {}).get("routing_key") or ""),
        time_start=task.get("time_start") if state == "active" else None,
        args=repr(task.get("args"))[:1024],
        kwargs=repr(task.get("kwargs"))[:1024],
        pid=task.get("worker_pid"),
    )
