"""Makes of a snapshot what the page shows of it.

Durations are worked out here, with each worker's clock set right by its difference to ours: a browser's clock plays no
part in them.
"""

from urllib.parse import urlsplit, urlunsplit

from celery import Celery

from celery_otel.inspection import STATES, EndedTask, HeldTask
from celery_otel.worker_answer import number_held, total
from celery_otel_api.fleet import Member, Presence
from celery_otel_api.freshness import rfc3339
from celery_otel_api.live_schemas import Live, LiveFailure, LiveLinks, LivePool, LiveSummary, LiveTask, LiveWorker
from celery_otel_api.settings import ApiSettings
from celery_otel_api.snapshot import Snapshot

MOST_RUNNING = 200
MOST_FAILURES = 50
_FAILED = frozenset({"failure", "rejected"})


def live_view(snapshot: Snapshot, app: Celery, settings: ApiSettings) -> Live:
    """What the page shows of a snapshot."""
    return Live(
        timestamp=rfc3339(snapshot.taken_at) if snapshot.taken_at else None,
        application=str(app.main or ""),
        refresh_seconds=settings.refresh_interval,
        broker_connected=snapshot.broker_connected,
        reason=snapshot.reason,
        summary=_summary(snapshot) if snapshot.broker_connected else None,
        workers=[_worker(member) for member in snapshot.members],
        running=_running(snapshot),
        failures=_failures(snapshot),
        links=LiveLinks(jaeger=_public(settings.jaeger_url), grafana=_public(settings.grafana_url)),
    )


def _summary(snapshot: Snapshot) -> LiveSummary:
    counts = {state: number_held(snapshot.answers, [state]) for state in STATES}
    return LiveSummary(**counts, total_pending=total(counts.values()))


def _worker(member: Member) -> LiveWorker:
    answer, online = member.answer, member.presence is Presence.ONLINE
    return LiveWorker(
        name=member.name,
        status=member.presence.value,
        since_seconds=None if online else member.since,
        instrumented=answer.instrumented if answer else None,
        pool=_pool(member),
        prefetch_count=answer.prefetch_count if answer and online else None,
        queues=list(answer.queues) if answer else [],
    )


def _pool(member: Member) -> LivePool | None:
    if member.answer is None:
        return None
    busy = member.answer.busy if member.presence is Presence.ONLINE else None
    return LivePool(kind=member.answer.pool, max_concurrency=member.answer.max_concurrency, busy_workers=busy)


def _running(snapshot: Snapshot) -> list[LiveTask]:
    ahead = _ahead(snapshot)
    tasks = [_task(task, snapshot.taken_at + ahead.get(task.worker, 0.0)) for task in snapshot.tasks if _runs(task)]
    return sorted(tasks, key=lambda task: -(task.running_seconds or 0.0))[:MOST_RUNNING]


def _runs(task: HeldTask) -> bool:
    return task.state == "active"


def _task(task: HeldTask, now: float) -> LiveTask:
    return LiveTask(
        worker=task.worker,
        task_id=task.task_id,
        task_name=task.task_name,
        queue=task.queue,
        retries=task.retries,
        running_seconds=None if task.time_start is None else max(0.0, now - task.time_start),
    )


def _failures(snapshot: Snapshot) -> list[LiveFailure]:
    ahead = _ahead(snapshot)
    failed = [task for task in snapshot.ended if task.status in _FAILED][:MOST_FAILURES]
    return [_failure(task, snapshot.taken_at + ahead.get(task.worker, 0.0)) for task in failed]


def _failure(task: EndedTask, now: float) -> LiveFailure:
    return LiveFailure(
        worker=task.worker,
        task_id=task.task_id,
        task_name=task.task_name,
        status=task.status,
        error_type=task.error_type,
        ended_seconds_ago=max(0.0, now - task.ended_at),
        runtime_seconds=task.runtime,
        trace_id=task.trace_id,
    )


def _ahead(snapshot: Snapshot) -> dict[str, float]:
    """How many seconds each worker's clock is ahead of ours."""
    answers = (member.answer for member in snapshot.members if member.answer is not None)
    return {answer.name: answer.clock_difference or 0.0 for answer in answers}


def _public(url: str) -> str | None:
    """An address without the user and password that it may have; None for none."""
    address = urlsplit(url)
    netloc = address.netloc.rpartition("@")[2]
    return urlunsplit(address._replace(netloc=netloc)).rstrip("/") or None
