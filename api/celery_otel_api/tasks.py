"""`GET tasks/status`: what the workers hold."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from starlette.requests import Request
from starlette.responses import Response

from celery_otel.inspection import STATES, HeldTask
from celery_otel.worker_answer import number_held, total
from celery_otel_api.fleet import Presence
from celery_otel_api.freshness import age_of, asked_at, cluster_of_request, json_response, may
from celery_otel_api.operation import API, Operation, Scope
from celery_otel_api.snapshot import Snapshot
from celery_otel_api.task_page import in_order, page_of, read, written
from celery_otel_api.tasks_schemas import TaskEntry, TasksParameters, TasksStatus, TasksSummary

MOST_RENDERED = 64
"""Pages of one snapshot that are kept serialised."""


async def tasks_status(request: Request, parameters: TasksParameters) -> Response:
    """Answers with one page of what the workers hold."""
    cluster = cluster_of_request(request)
    snapshot = await cluster.snapshots.get(fresh=parameters.fresh, at_once=True)
    age = age_of(cluster)
    body = _rendered(snapshot, parameters, arguments=may(request, Scope.RESULTS))
    # The age changes with each answer, all else with the snapshot.
    aged = b'{"snapshot_age_seconds":' + (b"null" if age is None else str(age).encode()) + b"," + body[1:]
    return json_response(aged, age)


def _rendered(snapshot: Snapshot, parameters: TasksParameters, *, arguments: bool) -> bytes:
    """The body without its age, serialised once for everyone who asks for a page of everything."""
    if parameters.filtered:
        return _page(snapshot, parameters, arguments=arguments)
    pages: dict[tuple[str, int, bool], bytes] = snapshot.rendered.setdefault("tasks/status", {})
    key = parameters.cursor, parameters.limit, arguments
    if key in pages:
        return pages[key]
    body = _page(snapshot, parameters, arguments=arguments)
    if len(pages) < MOST_RENDERED:
        pages[key] = body
    return body


def _page(snapshot: Snapshot, parameters: TasksParameters, *, arguments: bool) -> bytes:
    matching = _matching(_ordered(snapshot), parameters)
    page = page_of(matching, read(parameters.cursor) if parameters.cursor else None, parameters.limit)
    status = TasksStatus(
        timestamp=asked_at(snapshot),
        snapshot_age_seconds=None,
        broker_connected=snapshot.broker_connected,
        reason=snapshot.reason or None,
        summary=_summary(snapshot, matching, parameters),
        active_tasks=_entries(page.tasks, "active", arguments=arguments),
        reserved_tasks=_entries(page.tasks, "reserved", arguments=arguments),
        scheduled_tasks=_entries(page.tasks, "scheduled", arguments=arguments),
        next_cursor=None if page.following is None else written(page.following),
        complete=number_held(snapshot.answers) == len(snapshot.tasks),
        workers=snapshot.named(Presence.ONLINE),
        silent_workers=snapshot.named(Presence.SILENT),
        offline_workers=snapshot.named(Presence.OFFLINE),
        unknown_workers=snapshot.named(Presence.UNKNOWN),
    )
    return status.model_dump_json(exclude={"snapshot_age_seconds"}).encode()


def _ordered(snapshot: Snapshot) -> list[HeldTask]:
    ordered: list[HeldTask] | None = snapshot.rendered.get("tasks in order")
    if ordered is None:
        ordered = snapshot.rendered["tasks in order"] = in_order(snapshot.tasks)
    return ordered


def _matching(tasks: list[HeldTask], wanted: TasksParameters) -> list[HeldTask]:
    if not wanted.filtered:
        return tasks
    return [task for task in tasks if _matches(task, wanted)]


def _matches(task: HeldTask, wanted: TasksParameters) -> bool:
    exact = ((wanted.worker, task.worker), (wanted.queue, task.queue), (wanted.state, task.state))
    if any(asked and asked != found for asked, found in exact):
        return False
    return not wanted.task_name or fnmatchcase(task.task_name, wanted.task_name)


def _summary(snapshot: Snapshot, matching: Sequence[HeldTask], wanted: TasksParameters) -> TasksSummary:
    if not snapshot.broker_connected:
        return TasksSummary(active=None, reserved=None, scheduled=None, total_pending=None)
    # The workers' own numbers: they count what is too much to tell, too.
    answers = [answer for answer in snapshot.answers if wanted.worker in ("", answer.name)]
    counts = {state: number_held(answers, [state]) if wanted.state in (None, state) else 0 for state in STATES}
    if wanted.task_name or wanted.queue:
        # Of what a worker did not tell nobody knows how much matches.
        known = [state for state, number in counts.items() if number is not None]
        counts.update({state: sum(task.state == state for task in matching) for state in known})
    return TasksSummary(**counts, total_pending=total(counts.values()))


def _entries(tasks: Iterable[HeldTask], state: str, *, arguments: bool) -> list[TaskEntry]:
    return [entry_of(task, arguments=arguments) for task in tasks if task.state == state]


def entry_of(task: HeldTask, *, arguments: bool) -> TaskEntry:
    """The entry of a task.

    Args:
        task: The task.
        arguments: Whether the caller may see its arguments.
    """
    return TaskEntry(
        worker=task.worker,
        task_id=task.task_id,
        task_name=task.task_name,
        time_start=task.time_start,
        queue=task.queue or None,
        eta=task.eta,
        retries=task.retries,
        pid=task.pid,
        args=task.args if arguments else None,
        kwargs=task.kwargs if arguments else None,
    )


OPERATIONS = (
    Operation(
        f"{API}/tasks/status",
        tasks_status,
        "What the workers hold: running, reserved and scheduled tasks",
        "The summary counts everything that matches; the lists are one page of it, ordered by worker and task id, so "
        "that a task that is held all the time appears on exactly one page, whatever comes and goes in between.",
        parameters=TasksParameters,
        responses={200: TasksStatus},
    ),
)
"""What this module answers."""
