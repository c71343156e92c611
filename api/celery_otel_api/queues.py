"""`GET /api/v1/celery/queues/status`: how much waits, for how long, and whether anybody takes it."""

import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from celery_otel_api.cluster import Cluster
from celery_otel_api.freshness import age_header, known_age, rfc3339
from celery_otel_api.operation import API, Operation
from celery_otel_api.queue_status import queue_statuses
from celery_otel_api.queue_survey import QueueSurvey
from celery_otel_api.queues_schemas import Freshness, QueuesStatus
from celery_otel_api.snapshot import Snapshot


async def queues_status(request: Request, parameters: Freshness) -> Response:
    """Answers with every queue."""
    cluster: Cluster = request.app.state.cluster
    snapshot, survey = await newest(cluster, fresh=parameters.fresh)
    age = known_age(max(cluster.snapshots.age, cluster.queues.age))
    body = QueuesStatus(
        timestamp=rfc3339(survey.taken_at or time.time()),
        snapshot_age_seconds=age,
        broker_connected=survey.broker_connected,
        broker=survey.broker,
        reason=survey.reason or None,
        queues=queue_statuses(survey, snapshot),
    )
    return JSONResponse(body.model_dump(mode="json"), headers=age_header(age))


async def newest(cluster: Cluster, *, fresh: bool) -> tuple[Snapshot, QueueSurvey]:
    """The newest of workers and queues, after one deadline for both at the latest.

    The workers come first: they say which queues there are.
    """
    begun = time.monotonic()
    snapshot = await cluster.snapshots.get(fresh=fresh)
    left = cluster.settings.deadline - (time.monotonic() - begun)
    return snapshot, await cluster.queues.get(fresh=fresh, within=left)


OPERATIONS = (
    Operation(
        f"{API}/queues/status",
        queues_status,
        "The queues: what waits in the broker, what workers hold, and the age of what waits longest",
        "Every queue that a worker consumes or has lately consumed, the application declares, or the option "
        "`queues` names. A number that is not known is null, and `reasons` says why; it is never 0 instead. With "
        "the broker away `broker_connected` is false and every number is null.",
        parameters=Freshness,
        responses={200: QueuesStatus},
    ),
)
