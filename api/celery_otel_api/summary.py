"""`GET metrics/summary`: what `get_celery_metrics_summary` gives, and the figures of the last minutes."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from celery_otel.summary import summarized
from celery_otel_api.cluster import Cluster
from celery_otel_api.fleet import Presence
from celery_otel_api.freshness import age_header, known_age, rfc3339
from celery_otel_api.operation import API, Operation
from celery_otel_api.queue_status import queue_statuses
from celery_otel_api.queues import newest
from celery_otel_api.queues_schemas import Freshness, QueueStatus
from celery_otel_api.recent_figures import WINDOW, Figures, RecentFigures
from celery_otel_api.snapshot import Snapshot
from celery_otel_api.summary_schemas import (
    DurationSummary,
    MetricsSummary,
    QueueSummary,
    RecentSummary,
    WorkersSummary,
)


async def _summary(request: Request, parameters: Freshness) -> Response:
    cluster: Cluster = request.app.state.cluster
    recent: RecentFigures = cluster.parts["recent"]
    (snapshot, survey), figures = await asyncio.gather(newest(cluster, fresh=parameters.fresh), recent.get())
    age = known_age(max(cluster.snapshots.age, cluster.queues.age))
    body = MetricsSummary(
        timestamp=rfc3339(snapshot.taken_at or time.time()),
        snapshot_age_seconds=age,
        broker_connected=snapshot.broker_connected,
        reason=snapshot.reason or None,
        workers=_workers(snapshot),
        queues=_queues(queue_statuses(survey, snapshot)),
        recent=_recent(figures),
        **_held(snapshot),
    )
    return JSONResponse(body.model_dump(mode="json"), headers=age_header(age))


def _held(snapshot: Snapshot) -> dict[str, Any]:
    told = summarized(snapshot.answers)
    return {key: told[key] for key in ("tasks", "pool")}


def _workers(snapshot: Snapshot) -> WorkersSummary:
    counts = Counter(member.presence for member in snapshot.members)
    names = [member.name for member in snapshot.members]
    return WorkersSummary(total=len(names), names=names, **{presence.value: counts[presence] for presence in Presence})


def _queues(queues: Iterable[QueueStatus]) -> dict[str, QueueSummary]:
    return {queue.name: QueueSummary(workers=len(queue.workers), length=queue.length) for queue in queues}


def _recent(figures: Figures) -> RecentSummary:
    return RecentSummary(
        window_seconds=WINDOW,
        ended=figures.get("ended"),
        failures=figures.get("failures"),
        retries=figures.get("retries"),
        success_ratio=figures.success_ratio,
        duration_seconds=DurationSummary(p50=figures.get("p50"), p95=figures.get("p95"), p99=figures.get("p99")),
        reason=figures.reason or None,
    )


OPERATIONS = (
    Operation(
        f"{API}/metrics/summary",
        _summary,
        "The whole in a few numbers",
        "How many workers, tasks and slots there are, the lengths of queues, and, if CELERY_OTEL_API_PROMETHEUS_URL is "
        "set, what became of attempts in the last 5 minutes.",
        parameters=Freshness,
        responses={200: MetricsSummary},
    ),
)
