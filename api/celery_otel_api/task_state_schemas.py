"""What `GET tasks/{task_id}/status` takes and gives."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from celery_otel_api.freshness import Fresh


class Source(StrEnum):
    """Who said it."""

    WORKER = "worker"
    """A worker that holds the task."""
    RESULT_BACKEND = "result_backend"
    """The result backend."""
    RECENT_ATTEMPTS = "recent_attempts"
    """The attempts that an instrumented worker remembers, without a result."""
    QUEUE = "queue"
    """The messages that wait in the broker."""
    LAST_ANSWER = "last_answer"
    """The last answer of a worker that does not answer any more."""
    NOBODY = "nobody"
    """Nobody knows the task."""


class TaskStateParameters(BaseModel):
    """Which task."""

    model_config = ConfigDict(extra="forbid")

    task_id: str = Field(min_length=1, max_length=255, description="the task's id")
    fresh: bool = Field(default=True, description="ask the workers anew unless they were just asked")


class Where(BaseModel):
    """Where the task is, or was. Times are Unix times in seconds, by the worker's clock."""

    worker: str | None = Field(default=None, description="node name of the worker that holds it or ran it")
    queue: str | None = Field(default=None, description="the queue, or the routing key it came by")
    pid: int | None = Field(default=None, description="the process that runs it")
    since: float | None = Field(default=None, description="since when it runs; null unless it does")
    eta: float | None = Field(default=None, description="not before when it will begin; null without")
    retries: int | None = Field(default=None, description="how many attempts came before")
    started_at: float | None = Field(default=None, description="when the attempt began that ended")
    ended_at: float | None = Field(default=None, description="when it ended")
    runtime: float | None = Field(default=None, description="how long it ran, in seconds")
    trace_id: str | None = Field(
        default=None, description="its trace, 32 hexadecimal digits; null without a sampled one"
    )


class TaskError(BaseModel):
    """The exception that ended it, or because of which it is retried."""

    type: str = Field(description="its class, or timeout, worker_lost or what else ended it")
    message: str | None = Field(default=None, description="what it says; null without scope results, or if not known")
    traceback: str | None = Field(default=None, description="its traceback; null likewise")


class ResultBackend(BaseModel):
    """The application's result backend."""

    configured: bool = Field(description="whether there is one")
    answered: bool = Field(description="whether it could be read")
    reason: str | None = Field(default=None, description="why it could not be read; null if it could")


class TaskState(Fresh):
    """What is known of one task."""

    task_id: str = Field(description="the task's id")
    task_name: str | None = Field(description="its name, where that is known")
    state: str = Field(
        description="QUEUED, RESERVED, SCHEDULED, STARTED, RETRY, SUCCESS, FAILURE, REVOKED, REJECTED, IGNORED, a word "
        "that the task has given itself, or UNKNOWN: never seen or expired"
    )
    ready: bool = Field(
        description="whether it is known to have ended; false for one that is REVOKED while a worker did not answer "
        "that may still run it"
    )
    successful: bool | None = Field(description="whether it succeeded; null until it has ended")
    result: Any = Field(description="what it returned, or says of its progress; null without scope results")
    results_shown: bool = Field(description="whether the caller has scope results; without it, result is null")
    where: Where | None = Field(description="where it is or was; null where that is not known")
    error: TaskError | None = Field(description="what went wrong; null if nothing did")
    source: Source = Field(description="who said it")
    explanation: str = Field(description="what the state means here, and what it does not tell")
    result_backend: ResultBackend = Field(description="the application's result backend")
