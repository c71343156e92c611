"""What is answered about health."""

from typing import Literal

from pydantic import BaseModel, Field


class HealthStatus(BaseModel):
    """Whether tasks are being worked on."""

    status: Literal["healthy", "degraded", "unhealthy"] = Field(
        description="healthy; degraded: something is away or waits in vain (still HTTP 200); unhealthy: no broker, or "
        "no worker at all (HTTP 503)"
    )
    message: str = Field(description="the same in a sentence")
    workers: int = Field(description="workers that answered", ge=0)
    broker_connected: bool = Field(description="whether the broker could be asked")
    timestamp: str = Field(description="when this was judged: RFC 3339, UTC")
    snapshot_age_seconds: float | None = Field(
        description="seconds since the older of both, the broker and the workers, had answered; null before the first "
        "time",
        ge=0,
    )
    reasons: list[str] = Field(description="what is wrong and what to do about it, the worst first; empty if healthy")
    silent: list[str] = Field(description="node names of workers that do not answer while their heart beats")
    offline: list[str] = Field(
        description="node names of workers that are expected, do not answer and were not heard of"
    )
