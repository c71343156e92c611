"""What `GET metrics/summary` answers."""

from pydantic import BaseModel, Field


class WorkersSummary(BaseModel):
    """How many workers there are."""

    total: int = Field(description="workers that are expected or have answered")
    names: list[str] = Field(description="their node names")
    online: int = Field(description="those that have answered")
    silent: int = Field(description="those that have not answered while their hearts beat: busy")
    offline: int = Field(description="those of which nothing is heard")
    unknown: int = Field(description="those that could not be asked, because the broker is away")


class TasksSummary(BaseModel):
    """How many tasks the workers hold that have answered; null where one of them did not tell."""

    active: int | None = Field(description="tasks that run")
    reserved: int | None = Field(description="tasks that a worker has taken and not started")
    scheduled: int | None = Field(description="tasks that wait in a worker for their ETA or a rate limit")


class PoolSummary(BaseModel):
    """The slots of all pools together; null where a worker did not tell."""

    size: int | None = Field(description="tasks that can run at once")
    busy: int | None = Field(description="slots in which one runs")


class QueueSummary(BaseModel):
    """A queue."""

    workers: int = Field(description="workers that consume it")
    length: int | None = Field(None, description="messages that wait in it; null if that is not known")


class DurationSummary(BaseModel):
    """How long attempts ran that ended in the last minutes, in seconds."""

    p50: float | None = Field(description="half of them ran no longer; null if none ended")
    p95: float | None = Field(description="19 of 20 ran no longer")
    p99: float | None = Field(description="99 of 100 ran no longer")


class RecentSummary(BaseModel):
    """What became of attempts in the last minutes, as Prometheus knows it: of all workers that it knows."""

    window_seconds: int = Field(description="how many seconds these are")
    ended: float | None = Field(description="attempts that ended, as Prometheus extrapolates; null if not known")
    failures: float | None = Field(description="those that failed")
    retries: float | None = Field(description="those that ended in a retry")
    success_ratio: float | None = Field(description="the share of those that succeeded, 0 to 1; null if none ended")
    duration_seconds: DurationSummary = Field(description="how long they ran")
    reason: str | None = Field(description="why nothing is known; null if something is")


class MetricsSummary(BaseModel):
    """The whole in a few numbers."""

    timestamp: str = Field(description="when the workers had answered, RFC 3339, UTC")
    snapshot_age_seconds: float | None = Field(
        description="seconds since the older of both, the broker and the workers, had answered; null if they never had"
    )
    broker_connected: bool = Field(description="whether the broker could be asked; if not, nothing is known of workers")
    reason: str | None = Field(description="why it could not; null if it could")
    workers: WorkersSummary = Field(description="how many workers there are")
    tasks: TasksSummary = Field(description="how many tasks they hold")
    pool: PoolSummary = Field(description="their slots")
    queues: dict[str, QueueSummary] = Field(description="the queues, by name")
    recent: RecentSummary = Field(description="what became of attempts in the last 5 minutes")
