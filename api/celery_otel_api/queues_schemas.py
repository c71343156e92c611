"""What is asked and answered about queues."""

from pydantic import BaseModel, Field


class Freshness(BaseModel):
    """How new the answer has to be."""

    fresh: bool = Field(
        default=False,
        description="ask workers and broker now, unless this was begun less than half a refresh interval ago",
    )


class Rates(BaseModel):
    """Messages per second, as the broker averages them."""

    published: float = Field(description="messages per second that come into the queue", ge=0)
    delivered: float = Field(description="messages per second that go to consumers, redelivered ones included", ge=0)
    acknowledged: float = Field(description="messages per second that consumers acknowledge", ge=0)


class QueueStatus(BaseModel):
    """One queue. What is null is not known; `reasons` says why."""

    name: str = Field(description="its name")
    length: int | None = Field(description="messages that wait in the broker, of all priorities", ge=0)
    consumers: int | None = Field(
        description="who consumes it: on RabbitMQ the broker's number, elsewhere the workers that answered and those "
        "that are silent while their heart beats",
        ge=0,
    )
    unacknowledged: int | None = Field(
        description="messages that the broker has delivered and that nobody has acknowledged: those that workers hold "
        "as scheduled or reserved, with acks_late also the active ones, and those of workers that are silent or lost",
        ge=0,
    )
    scheduled: int | None = Field(
        description="tasks that workers hold until their ETA or until a rate limit lets them start", ge=0
    )
    reserved: int | None = Field(description="tasks that workers have taken and not started", ge=0)
    active: int | None = Field(description="tasks that workers run", ge=0)
    unreported: int | None = Field(
        description="unacknowledged messages beyond what workers report as scheduled, reserved or active, at least: "
        "they are with a worker that is silent or lost",
        ge=0,
    )
    backlog: int | None = Field(
        description="tasks published and not ended, each counted once: length + scheduled + reserved + active + "
        "unreported (0 where that is not known)",
        ge=0,
    )
    oldest_message_age_seconds: float | None = Field(
        description="seconds since the oldest of the messages that are read next, one of each priority, was published",
        ge=0,
    )
    length_by_priority: dict[int, int] | None = Field(
        description="length by the priority of the messages, as kombu keeps them: 0 is read first"
    )
    rates: Rates | None = Field(description="how fast messages come and go")
    workers: list[str] = Field(description="node names of the workers that consume it, as far as they said")
    silent: list[str] = Field(
        description="those of them that did not answer now: what they hold is in none of scheduled, reserved and active"
    )
    reasons: dict[str, str] = Field(description="for each field that is null, why, and what helps if something does")


class QueuesStatus(BaseModel):
    """All queues that a worker consumes, the application declares or the options name."""

    timestamp: str = Field(description="when the broker had told the lengths: RFC 3339, UTC")
    snapshot_age_seconds: float | None = Field(
        description="seconds since the older of both, the broker and the workers, had answered; null before the first "
        "time",
        ge=0,
    )
    broker_connected: bool = Field(description="whether the broker could be asked")
    broker: str = Field(description="its kind, such as redis or amqp; empty if it could not be asked")
    reason: str | None = Field(description="why the broker could not be asked; null if it could")
    queues: list[QueueStatus] = Field(description="by name")
