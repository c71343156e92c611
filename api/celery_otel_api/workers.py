"""`GET workers/status`: who is there, and how busy."""

from starlette.requests import Request
from starlette.responses import Response

from celery_otel.inspection import WorkerAnswer
from celery_otel_api.fleet import Member, Presence
from celery_otel_api.freshness import age_of, cluster_of_request, fresh_fields, json_response
from celery_otel_api.operation import API, Operation
from celery_otel_api.workers_schemas import WorkerPool, WorkersParameters, WorkersStatus, WorkerStatus

_NOBODY = WorkerAnswer("", instrumented=False)


async def workers_status(request: Request, parameters: WorkersParameters) -> Response:
    """Answers with every worker that is expected or has answered."""
    cluster = cluster_of_request(request)
    snapshot = await cluster.snapshots.get(fresh=parameters.fresh, at_once=True)
    online = len(snapshot.named(Presence.ONLINE))
    status = WorkersStatus(
        **fresh_fields(cluster, snapshot),
        total_workers=online if snapshot.broker_connected else None,
        expected_workers=len(snapshot.members),
        workers=[worker_status(member) for member in snapshot.members],
    )
    return json_response(status.model_dump_json(), age_of(cluster))


def worker_status(member: Member) -> WorkerStatus:
    """What is known of a worker: of one that does not answer, only what does not change while it lives."""
    last = member.answer or _NOBODY
    now = last if member.presence is Presence.ONLINE and member.answer is not None else None
    return WorkerStatus(
        name=member.name,
        status=member.presence,
        since=None if now or member.since is None else round(member.since, 3),
        pool=WorkerPool(
            kind=last.pool or None,
            max_concurrency=now.max_concurrency if now else None,
            busy_workers=now.busy if now else None,
        ),
        prefetch_count=now.prefetch_count if now else None,
        prefetch_limit=now.prefetch_limit if now else None,
        pid=now.pid if now else None,
        uptime=now.uptime if now else None,
        queues=list(last.queues),
        versions=dict(last.versions),
        instrumented=None if member.answer is None else last.instrumented,
        remembers_revokes=last.remembers_revokes,
        clock_difference=now.clock_difference if now else None,
    )


OPERATIONS = (
    Operation(
        f"{API}/workers/status",
        workers_status,
        "The workers: who is there, and how busy",
        "Workers that are expected and do not answer are listed too, as silent or offline; their numbers are null.",
        parameters=WorkersParameters,
        responses={200: WorkersStatus},
    ),
)
"""What this module answers."""
