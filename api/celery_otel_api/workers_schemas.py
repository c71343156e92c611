"""What `GET workers/status` and `GET stats/detailed` take and give."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from celery_otel_api.fleet import Presence
from celery_otel_api.freshness import Fresh


class WorkersParameters(BaseModel):
    """How new the answer has to be."""

    model_config = ConfigDict(extra="forbid")

    fresh: bool = Field(default=False, description="ask the workers anew unless they were just asked")


class WorkerPool(BaseModel):
    """The pool of a worker."""

    kind: str | None = Field(description="prefork, thread, solo, gevent or eventlet, as it last said; null if never")
    max_concurrency: int | None = Field(description="how many tasks it can run at once; null if it did not say")
    busy_workers: int | None = Field(description="how many it runs; null likewise")


class WorkerStatus(BaseModel):
    """One worker."""

    name: str = Field(description="its node name")
    status: Presence = Field(
        description="online: it answered; silent: it did not, but it is alive, as a busy solo worker is; offline: "
        "nothing was heard of it; unknown: the broker is away, so that nobody could be asked"
    )
    since: float | None = Field(
        description="how long ago it was last heard of, in seconds; null if it is online, or was never seen"
    )
    pool: WorkerPool = Field(description="its pool")
    prefetch_count: int | None = Field(
        description="how many tasks it holds that have not started, as in celery_worker_prefetch_count"
    )
    prefetch_limit: int | None = Field(description="Celery's limit for that (QoS); 0 for none, null if it does not say")
    pid: int | None = Field(description="of its main process")
    uptime: float | None = Field(description="seconds since its start")
    queues: list[str] = Field(description="what it consumes, as it last said")
    versions: dict[str, str] = Field(description="of celery, celery-otel and python, as far as it last said")
    instrumented: bool | None = Field(description="whether celery-otel is at work in it; null if it never answered")
    remembers_revokes: bool | None = Field(description="whether revokes outlive its restart; null if it does not say")
    clock_difference: float | None = Field(
        description="seconds by which its clock is ahead of ours, less the way of its answer; null if not known"
    )


class WorkersStatus(Fresh):
    """The workers."""

    total_workers: int | None = Field(description="how many are online; null if the broker is away")
    expected_workers: int = Field(description="how many there should be: configured, or seen lately without a goodbye")
    workers: list[WorkerStatus] = Field(description="each of them, by name")


class DetailsParameters(BaseModel):
    """How new the answer has to be."""

    model_config = ConfigDict(extra="forbid")

    fresh: bool = Field(default=False, description="ask the workers anew unless they were just asked")


class DetailedStats(BaseModel):
    """What Celery's own inspection tells."""

    timestamp: str = Field(description="when the workers were asked: RFC 3339, UTC")
    age_seconds: float | None = Field(description="how long ago that was, in seconds; null if it has not been yet")
    broker_connected: bool = Field(description="whether the broker could be asked")
    reason: str | None = Field(description="why not; null if it could")
    workers: dict[str, dict[str, Any]] = Field(
        description="for each worker that answered, by node name, what it said to each of Celery's commands stats, "
        "active_queues, registered, conf, revoked and clock; passwords are masked, long lists cut"
    )
    missing_workers: list[str] = Field(description="node names of expected workers that did not answer")
