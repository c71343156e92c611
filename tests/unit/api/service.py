"""The service on a snapshot that a test has made, without broker or workers."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import httpx
from celery import Celery
from starlette.applications import Starlette
from starlette.requests import Request

from celery_otel.inspection import EndedTask, HeldTask, WorkerAnswer
from celery_otel_api.cluster import Authorize, Cluster, everyone
from celery_otel_api.fleet import Fleet, Member, Presence
from celery_otel_api.operation import Operation, Scope, routes
from celery_otel_api.problems import ProblemError, on_error, on_problem
from celery_otel_api.settings import ApiSettings
from celery_otel_api.snapshot import Snapshot, SnapshotKeeper

NOW = 1_767_349_800.0
"""2026-01-02T10:30:00Z."""


def held(
    task_id: str, state: str = "active", *, worker: str = "w@a", name: str = "shop.add", queue: str = "q"
) -> HeldTask:
    """A task that a worker holds."""
    return HeldTask(worker, task_id, name, state, queue, NOW if state == "active" else None, args="(1, 2)", kwargs="{}")


def ended(task_id: str, status: str = "success", error_type: str = "", *, at: float = NOW) -> EndedTask:
    """An attempt that ended."""
    return EndedTask("w@a", task_id, "shop.add", status, error_type, "q", 0, at - 2.0, at, 2.0, None)


def answer(*tasks: HeldTask, name: str = "w@a", instrumented: bool = True, more: int = 0) -> WorkerAnswer:
    """The answer of a worker that holds tasks, and so many active ones more than it tells."""
    counts = {state: sum(task.state == state for task in tasks) for state in ("active", "reserved", "scheduled")}
    counts["active"] += more
    return WorkerAnswer(name, instrumented, pool="prefork", max_concurrency=4, tasks=tasks, counts=counts)


def member(told: WorkerAnswer, presence: Presence = Presence.ONLINE, since: float | None = None) -> Member:
    """A worker with what it said last."""
    return Member(told.name, presence, since, told)


def snapshot_of(*members: Member, ended: Sequence[EndedTask] = ()) -> Snapshot:
    """What these workers said."""
    return Snapshot(NOW, broker_connected=True, members=members, ended=tuple(ended))


def reads_only(request: Request, scope: Scope) -> None:  # noqa: ARG001  # as all who authorize
    """Lets everyone read, and do nothing else."""
    if scope is not Scope.READ:
        raise ProblemError(403, "forbidden", "Not allowed", "This token has no such scope.")


class Caller:
    """Asks the service, on an event loop that goes on from one request to the next.

    Args:
        service: The service.
        runner: Runs the loop.
    """

    def __init__(self, service: Starlette, runner: asyncio.Runner) -> None:
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(service), base_url="http://127.0.0.1:8000")
        self._runner = runner

    def get(self, path: str, params: Mapping[str, object] | None = None) -> httpx.Response:
        """Asks for something."""
        query = {name: str(value) for name, value in (params or {}).items()}
        return self._runner.run(self._client.get(path, params=query))

    def post(self, path: str) -> httpx.Response:
        """Asks to do something."""
        return self._runner.run(self._client.post(path))

    def get_at_once(self, path: str, times: int) -> list[httpx.Response]:
        """Asks for the same so many times at once."""

        async def all_of_them() -> list[httpx.Response]:
            return await asyncio.gather(*(self._client.get(path) for _ in range(times)))

        return self._runner.run(all_of_them())


def application(backend: str | None = None) -> Celery:
    """An application whose broker is this process's memory, and its result backend."""
    return Celery("unit", broker="memory://", backend=backend, set_as_current=False)


@contextmanager
def serving(
    operations: Sequence[Operation],
    survey: Callable[[], Snapshot],
    authorize: Authorize = everyone,
    app: Celery | None = None,
    expected: Sequence[str] = (),
    deadline: float = 5.0,
) -> Iterator[Caller]:
    """The service with some operations, on what a survey finds of an application."""
    settings = ApiSettings.read(refresh_interval=60.0, deadline=deadline)
    snapshots = SnapshotKeeper(survey, interval=60.0, deadline=5.0)
    app = app or application()
    service = Starlette(
        routes=routes(operations),
        exception_handlers={ProblemError: on_problem, Exception: on_error},
    )
    service.state.cluster = Cluster(app, settings, Fleet(expected, 60.0, lambda: 0.0), snapshots, authorize)
    with asyncio.Runner() as runner:
        yield Caller(service, runner)
