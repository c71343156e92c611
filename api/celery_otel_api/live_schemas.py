"""What the stream of snapshots tells."""

from pydantic import BaseModel, Field


class LivePool(BaseModel):
    """A worker's pool."""

    kind: str = Field(description="prefork, threads, solo, gevent or eventlet; empty if the worker does not say")
    max_concurrency: int | None = Field(description="tasks that it can run at once; null if it did not say")
    busy_workers: int | None = Field(description="tasks that it runs now; null if the worker does not say now")


class LiveWorker(BaseModel):
    """A worker that is expected or has answered."""

    name: str = Field(description="its node name")
    status: str = Field(description="online, silent (alive, but busy), offline, or unknown (the broker is away)")
    since_seconds: float | None = Field(
        description="for how many seconds nothing was heard of it; null if it answers, or was never seen"
    )
    instrumented: bool | None = Field(description="whether celery-otel is at work in it; null if it never answered")
    pool: LivePool | None = Field(description="its pool, as last heard; null if it never answered")
    prefetch_count: int | None = Field(description="tasks that it holds and has not begun; null if it does not say")
    queues: list[str] = Field(description="the queues that it consumes, as last heard")


class LiveSummary(BaseModel):
    """What the workers that answer hold, in tasks; null where one of them does not say."""

    active: int | None = Field(description="tasks that run")
    reserved: int | None = Field(description="tasks that a worker has fetched and not begun")
    scheduled: int | None = Field(description="tasks that a worker holds until their time has come")
    total_pending: int | None = Field(description="all of these")


class LiveTask(BaseModel):
    """A task that runs."""

    worker: str = Field(description="the worker that runs it")
    task_id: str = Field(description="its id")
    task_name: str = Field(description="its name")
    queue: str = Field(description="the queue that it came by; empty if the worker does not say")
    retries: int = Field(description="attempts that came before")
    running_seconds: float | None = Field(
        description="for how many seconds it ran when the snapshot was taken; null if the worker does not say"
    )


class LiveFailure(BaseModel):
    """An attempt that failed or was rejected lately, in an instrumented worker."""

    worker: str = Field(description="the worker that ran it")
    task_id: str = Field(description="its id")
    task_name: str = Field(description="its name")
    status: str = Field(description="failure or rejected")
    error_type: str = Field(description="the exception's class, timeout, or worker_lost")
    ended_seconds_ago: float = Field(description="how many seconds before the snapshot it ended")
    runtime_seconds: float | None = Field(description="how long it ran, in seconds; null if it never began")
    trace_id: str | None = Field(description="its trace, 32 hexadecimal digits; null without a sampled span")


class LiveLinks(BaseModel):
    """Where more is to be seen."""

    jaeger: str | None = Field(description="Jaeger's page; a trace is at /trace/{trace_id} below it; null without one")
    grafana: str | None = Field(description="Grafana's page; null without one")


class Live(BaseModel):
    """The data of each event named snapshot: the cluster as it is now. `snapshot_age_seconds` comes on top."""

    timestamp: str | None = Field(description="when the snapshot was taken, RFC 3339; null if none was taken yet")
    application: str = Field(description="the Celery application's name")
    refresh_seconds: float = Field(description="seconds between two snapshots, at least")
    broker_connected: bool = Field(description="whether the broker could be asked; if not, nothing is known of workers")
    reason: str = Field(description="why it could not; empty if it could")
    summary: LiveSummary | None = Field(description="what the workers hold; null if they could not be asked")
    workers: list[LiveWorker] = Field(description="all workers, by name")
    running: list[LiveTask] = Field(description="tasks that run, the longest first, at most 200")
    failures: list[LiveFailure] = Field(description="attempts that failed lately, the newest first, at most 50")
    links: LiveLinks = Field(description="where more is to be seen")


class LiveEvent(Live):
    """The data of one event."""

    snapshot_age_seconds: float | None = Field(
        description="seconds since the snapshot was complete, when the event was sent; null if none was taken yet"
    )
