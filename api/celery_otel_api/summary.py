"""`GET metrics/summary`: what `get_celery_metrics_summary` gives, and the figures of the last minutes."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from celery_otel.summary import summarized
from celery_otel_api.cluster import Cluster
from celery_otel_api.fleet import Presence
from celery_otel_api.operation import API, Operation
from celery_otel_api.queue_numbers import consuming_workers, queue_source
from celery_otel_api.recent_figures import WINDOW, Figures, RecentFigures
from celery_otel_api.snapshot import Snapshot
from celery_otel_api.summary_schemas import (
    DurationSummary,
    MetricsSummary,
    QueueSummary,
    RecentSummary,
    WorkersSummary,
)


class SummaryParameters(BaseModel):
    """The parameters."""

    model_config = ConfigDict(extra="forbid")

    fresh: bool = Field(default=False, description="ask the workers now, unless they have just been asked")


async def _summary(request: Request, parameters: SummaryParameters) -> Response:
    cluster: Cluster = request.app.state.cluster
    recent: RecentFigures = cluster.parts["recent"]
    snapshot = await cluster.snapshots.get(fresh=parameters.fresh)
    age = max(0.0, cluster.snapshots.age) if snapshot.taken_at else 0.0
    body = MetricsSummary(
        timestamp=datetime.fromtimestamp(snapshot.taken_at, UTC).isoformat().replace("+00:00", "Z"),
        snapshot_age_seconds=age,
        broker_connected=snapshot.broker_connected,
        reason=snapshot.reason or None,
        workers=_workers(snapshot),
        queues=await _queues(cluster, snapshot),
        recent=_recent(await recent.get()),
        **_held(snapshot),
    )
    return JSONResponse(body.model_dump(mode="json"), headers={"Age": str(int(age))})


def _held(snapshot: Snapshot) -> dict[str, Any]:
    told = summarized(snapshot.answers)
    return {key: told[key] for key in ("tasks", "pool")}


def _workers(snapshot: Snapshot) -> WorkersSummary:
    counts = Counter(member.presence for member in snapshot.members)
    names = [member.name for member in snapshot.members]
    return WorkersSummary(total=len(names), names=names, **{presence.value: counts[presence] for presence in Presence})


async def _queues(cluster: Cluster, snapshot: Snapshot) -> dict[str, QueueSummary]:
    workers = consuming_workers(snapshot)
    numbers = await queue_source(cluster)()
    lengths = {name: queue.length for name, queue in numbers.items()}
    return {
        name: QueueSummary(workers=workers.get(name, 0), length=lengths.get(name))
        for name in sorted({*workers, *lengths})
    }


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
        parameters=SummaryParameters,
        responses={200: MetricsSummary},
    ),
)
