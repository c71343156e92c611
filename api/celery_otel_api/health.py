"""`GET /api/v1/celery/health`, and the probes `/livez` and `/readyz` of whoever runs this service."""

import asyncio
import math
import time
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from celery_otel_api.cluster import Cluster
from celery_otel_api.errors import ConfigurationError
from celery_otel_api.fleet import Presence
from celery_otel_api.freshness import age_header, known_age, rfc3339
from celery_otel_api.health_schemas import HealthStatus
from celery_otel_api.health_verdict import Health, Verdict, judged
from celery_otel_api.keeper import Keeper
from celery_otel_api.operation import API, NoParameters, Operation
from celery_otel_api.queue_status import queue_statuses
from celery_otel_api.queues import newest
from celery_otel_api.queues_schemas import Freshness
from celery_otel_api.remote import Remote, RemoteError
from celery_otel_api.settings import ApiSettings
from celery_otel_api.snapshot import Snapshot

_COLLECTOR = "CELERY_OTEL_API_COLLECTOR_METRICS_URL"
_MOST_BYTES = 64 * 1024 * 1024


async def health(request: Request, parameters: Freshness) -> Response:
    """Answers how well it is."""
    cluster: Cluster = request.app.state.cluster
    (snapshot, survey), collector = await asyncio.gather(
        newest(cluster, fresh=parameters.fresh), _collector(cluster, fresh=parameters.fresh)
    )
    verdict = judged(snapshot, survey, queue_statuses(survey, snapshot), stale=_stale(cluster), collector=collector)
    age = known_age(max(cluster.snapshots.age, cluster.queues.age))
    body = _status(verdict, snapshot, age)
    content, headers = body.model_dump(mode="json"), age_header(age)
    if verdict.health is not Health.UNHEALTHY:
        return JSONResponse(content, headers=headers)
    headers["Retry-After"] = str(math.ceil(cluster.settings.refresh_interval))
    return JSONResponse(content, HTTPStatus.SERVICE_UNAVAILABLE, headers)


def _status(verdict: Verdict, snapshot: Snapshot, age: float | None) -> HealthStatus:
    return HealthStatus(
        status=verdict.health.value,
        message=verdict.message,
        workers=len(snapshot.answers),
        broker_connected=snapshot.broker_connected,
        timestamp=rfc3339(time.time()),
        snapshot_age_seconds=age,
        reasons=list(verdict.reasons),
        silent=snapshot.named(Presence.SILENT),
        offline=snapshot.named(Presence.OFFLINE),
    )


def _stale(cluster: Cluster) -> str:
    """Why the newest snapshot cannot be believed: one should have been taken since."""
    age, settings = cluster.snapshots.age, cluster.settings
    if math.isinf(age) or age <= settings.refresh_interval + 2 * settings.deadline:
        return ""
    return f"Broker and workers have not answered for {age:.0f} s. See that the broker runs, and look at its log."


async def _collector(cluster: Cluster, *, fresh: bool) -> str:
    """What is wrong with the collector; empty if nothing is, or if it was not configured."""
    if not cluster.settings.collector_metrics_url:
        return ""
    keeper: Keeper[str] | None = cluster.parts.get("collector_check")
    if keeper is None:
        keeper = cluster.parts["collector_check"] = _collector_keeper(cluster.settings)
    return await keeper.get(fresh=fresh)


def _collector_keeper(settings: ApiSettings) -> Keeper[str]:
    url = settings.collector_metrics_url

    def look() -> str:
        try:
            Remote("The collector", url, option=_COLLECTOR, timeout=settings.deadline / 2).read(most=_MOST_BYTES)
        except (RemoteError, ConfigurationError) as error:
            return f"{error} Start it, or correct {_COLLECTOR}."
        return ""

    unknown = "The collector has not answered yet."
    return Keeper(look, unknown, interval=settings.refresh_interval, deadline=settings.deadline)


async def livez(request: Request, parameters: NoParameters) -> Response:  # noqa: ARG001  # a handler's signature
    """Answers that the event loop answers."""
    return PlainTextResponse("alive\n")


async def readyz(request: Request, parameters: NoParameters) -> Response:  # noqa: ARG001  # a handler's signature
    """Answers whether the service has started."""
    if hasattr(request.app.state, "cluster"):
        return PlainTextResponse("ready\n")
    return PlainTextResponse("starting\n", HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "1"})


OPERATIONS = (
    Operation(
        f"{API}/health",
        health,
        "Whether tasks are being worked on, and what to do where they are not",
        "`degraded`, with 200, if workers are silent or offline, messages wait in a queue that nobody consumes, the "
        "queues cannot be read, or the collector (where `collector_metrics_url` is set) cannot be reached. "
        "`unhealthy`, with 503, if the broker cannot be asked or no worker is there.",
        parameters=Freshness,
        responses={200: HealthStatus, 503: HealthStatus},
    ),
    Operation(
        "/livez",
        livez,
        "Whether this service answers; nothing else is asked",
        scope=None,
        responses={200: None},
        media_type="text/plain",
    ),
    Operation(
        "/readyz",
        readyz,
        "Whether this service has started; neither broker nor workers are asked",
        scope=None,
        responses={200: None, 503: None},
        media_type="text/plain",
    ),
)
