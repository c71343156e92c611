"""What is known of one task, out of everything that can be asked: pure rules, in the order of who knows best."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from celery.states import ALL_STATES, READY_STATES, REVOKED

from celery_otel.inspection import EndedTask, HeldTask
from celery_otel_api.fleet import Member, Presence
from celery_otel_api.queue_search import MOST, Found
from celery_otel_api.results import Stored
from celery_otel_api.snapshot import Snapshot
from celery_otel_api.task_state_schemas import Source, Where

UNKNOWN = "UNKNOWN"
ENDED = READY_STATES | {"REJECTED", "IGNORED"}
"""The states of a task that has ended."""
_HELD = {"active": "STARTED", "reserved": "RESERVED", "scheduled": "SCHEDULED"}
_MEANING = {
    "active": "A worker runs it.",
    "reserved": "A worker has it and will run it when a slot is free.",
    "scheduled": "A worker has it and waits for its time.",
}


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What is known of a task.

    Attributes:
        state: Its state, in words of Celery's and ours.
        source: Who said it.
        explanation: What that means.
        where: Where it is, or was.
        task_name: Its name; empty where it is not known.
        error_type: The class of its exception; empty if there is none.
        holders: Node names of the workers that hold it now.
        doubted: Whether a worker that did not answer may still run it, although it is said to have ended.
    """

    state: str
    source: Source
    explanation: str
    where: Where | None = None
    task_name: str = ""
    error_type: str = ""
    holders: tuple[str, ...] = field(default=())
    doubted: bool = False

    @property
    def ready(self) -> bool:
        """Whether it has ended."""
        return self.state in ENDED and not self.doubted


def known(task_id: str, snapshot: Snapshot, stored: Stored) -> TaskFacts | None:
    """What workers and result backend know of a task; None if they know nothing."""
    held = [task for task in snapshot.tasks if task.task_id == task_id]
    ended = next((task for task in snapshot.ended if task.task_id == task_id), None)
    # A result may be newer than the snapshot. A revoke may not: Celery notes it while the worker still has the task.
    if held and (stored.state not in READY_STATES or stored.state == REVOKED):
        return _held(held, stored.state)
    # A result that the task does not store, or that could not be, leaves an older state there.
    over = end_noted(task_id, snapshot)
    if stored.state is not None and not (over and stored.state not in ENDED):
        doubt = "" if over or stored.state != REVOKED else _doubt(snapshot)
        return _stored(stored, ended, doubt)
    return None if ended is None else _ended(ended)


def end_noted(task_id: str, snapshot: Snapshot) -> bool:
    """Whether an instrumented worker has noted the end of a task."""
    newest = next((task for task in snapshot.ended if task.task_id == task_id), None)
    return newest is not None and newest.status != "retry"


def _doubt(snapshot: Snapshot) -> str:
    """Why a task that is revoked may run all the same; empty if it cannot.

    Celery 5.7 lets any worker write REVOKED that does not run the task itself, also while another one runs it.
    """
    quiet = ", ".join(member.name for member in snapshot.members if member.presence is not Presence.ONLINE)
    if not snapshot.broker_connected:
        return f"{snapshot.reason} So the workers could not be asked{quiet and f': {quiet}'}. They may still run it."
    return f"These workers did not answer and may still run it: {quiet}." if quiet else ""


def _held(held: list[HeldTask], stored: str | None) -> TaskFacts:
    # An attempt that runs says more than its retry that waits.
    task = min(held, key=lambda one: list(_HELD).index(one.state))
    meaning = _MEANING[task.state] + (" It is revoked, and still there." if stored == REVOKED else "")
    holders = tuple(sorted({one.worker for one in held}))
    # A state that the task gives itself while it runs.
    own = stored if stored and stored not in ALL_STATES and task.state == "active" else None
    return TaskFacts(
        own or _HELD[task.state], Source.WORKER, meaning, _where_held(task), task.task_name, holders=holders
    )


def _where_held(task: HeldTask) -> Where:
    return Where(
        worker=task.worker,
        queue=task.queue or None,
        pid=task.pid,
        since=task.time_start,
        eta=task.eta,
        retries=task.retries,
    )


def _stored(stored: Stored, ended: EndedTask | None, doubt: str) -> TaskFacts:
    state = str(stored.state)
    where = _where_stored(stored) if ended is None else _where_ended(ended)
    name = ended.task_name if ended else str((stored.details or {}).get("name") or "")
    error = stored.error.type if stored.error else ""
    meaning = f"{_of_backend(state)} {doubt}".rstrip()
    return TaskFacts(state, Source.RESULT_BACKEND, meaning, where, name, error, doubted=bool(doubt))


def _of_backend(state: str) -> str:
    if state in ENDED:
        return "The result backend says so."
    if state == "RETRY":
        return "The result backend says so; no worker that answered has the next attempt, which may wait in a queue."
    return "The result backend says so, but no worker that answered has it: its worker may be busy, gone or lost."


def _where_stored(stored: Stored) -> Where:
    details = stored.details or {}
    return Where(
        worker=details.get("worker"),
        queue=details.get("queue"),
        retries=details.get("retries"),
        ended_at=stored.ended_at,
    )


def _ended(task: EndedTask) -> TaskFacts:
    state = task.status.upper()
    meaning = "A worker remembers how its last attempt ended. The result, if there was one, is not stored."
    return TaskFacts(state, Source.RECENT_ATTEMPTS, meaning, _where_ended(task), task.task_name, task.error_type)


def _where_ended(task: EndedTask) -> Where:
    return Where(
        worker=task.worker,
        queue=task.queue or None,
        retries=task.retries,
        started_at=task.started_at,
        ended_at=task.ended_at,
        runtime=task.runtime,
        trace_id=task.trace_id,
    )


def in_queue(found: Found, snapshot: Snapshot) -> TaskFacts | None:
    """What a search through the queues says, and who of the workers may have it; None if it found nothing."""
    if found.queue is None:
        return None
    where = Where(queue=found.queue or None, retries=found.retries)
    if found.delivered:
        gaps = _gaps_of_workers(snapshot)
        meaning = " ".join(["A worker has its message, and none that answered says that it holds it.", *gaps])
        return TaskFacts("RESERVED", Source.QUEUE, meaning, where, found.task_name)
    return TaskFacts("QUEUED", Source.QUEUE, "Its message waits in the queue.", where, found.task_name)


def last_heard(task_id: str, members: Iterable[Member]) -> TaskFacts | None:
    """What a worker said that does not answer any more; None if none said anything."""
    for member in members:
        if member.presence is Presence.ONLINE or member.answer is None:
            continue
        for task in member.answer.tasks:
            if task.task_id == task_id:
                return _last_heard(task, member)
    return None


def _last_heard(task: HeldTask, member: Member) -> TaskFacts:
    ago = "," if member.since is None else f" {member.since:.0f} s ago,"
    now = "could not be asked now" if member.presence is Presence.UNKNOWN else f"is {member.presence} now"
    meaning = f"{_MEANING[task.state]} So said {member.name}{ago} which {now} and may have ended it."
    return TaskFacts(
        _HELD[task.state], Source.LAST_ANSWER, meaning, _where_held(task), task.task_name, holders=(member.name,)
    )


def unknown(snapshot: Snapshot, stored: Stored, found: Found) -> TaskFacts:
    """Nobody knows the task; the explanation says who could not be asked."""
    gaps = [*_gaps_of_workers(snapshot), *([stored.reason] if stored.reason else []), *_gaps_of_queues(found)]
    text = "Never seen, or expired: " + " ".join(["nobody who was asked knows it.", *gaps])
    return TaskFacts(UNKNOWN, Source.NOBODY, text)


def _gaps_of_workers(snapshot: Snapshot) -> list[str]:
    if not snapshot.broker_connected:
        return [f"Workers and queues could not be asked. {snapshot.reason}"]
    quiet = [*snapshot.named(Presence.SILENT), *snapshot.named(Presence.OFFLINE)]
    return [f"It may be with workers that did not answer: {', '.join(quiet)}."] if quiet else []


def _gaps_of_queues(found: Found) -> list[str]:
    if not found.searched:
        return ["It may wait in a queue: messages there could not be looked at without taking them."]
    return [] if found.whole else [f"It may wait in a queue behind the first {MOST} messages."]
