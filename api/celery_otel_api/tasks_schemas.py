"""What `GET tasks/status` takes and gives."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator

from celery_otel_api.freshness import Fresh
from celery_otel_api.task_page import read


class HeldState(StrEnum):
    """What a worker does with a task that it holds."""

    ACTIVE = "active"
    """It runs it."""
    RESERVED = "reserved"
    """It will run it when a slot is free."""
    SCHEDULED = "scheduled"
    """It waits for the task's time."""


class TasksParameters(BaseModel):
    """Which tasks, and how many at once."""

    model_config = ConfigDict(extra="forbid")

    task_name: str = Field("", max_length=500, description="only tasks of this name; * stands for anything")
    worker: str = Field("", max_length=500, description="only tasks that the worker of this node name holds")
    queue: str = Field("", max_length=500, description="only tasks that came by this queue (by its routing key)")
    state: HeldState | None = Field(None, description="only tasks in this state")
    limit: int = Field(100, ge=1, le=1000, description="how many entries a page has at most, of all states together")
    cursor: str = Field("", max_length=4000, description="the next_cursor of the page before; empty for the first")
    fresh: bool = Field(default=False, description="ask the workers anew unless they were just asked")

    @field_validator("cursor")
    @classmethod
    def _is_ours(cls, cursor: str) -> str:
        if cursor:
            read(cursor)
        return cursor

    @property
    def filtered(self) -> bool:
        """Whether only some tasks are asked for."""
        return bool(self.task_name or self.worker or self.queue or self.state)


class TaskEntry(BaseModel):
    """A task that a worker holds."""

    worker: str = Field(description="node name of the worker")
    task_id: str = Field(description="the task's id")
    task_name: str = Field(description="the task's name")
    time_start: float | None = Field(description="when it began: Unix time in seconds, by the worker's clock")
    queue: str | None = Field(description="the routing key it came by: the queue, if that is named like it")
    eta: float | None = Field(description="not before when it will begin: Unix time in seconds; null without")
    retries: int = Field(description="how many attempts came before")
    pid: int | None = Field(description="the process that runs it, where there is one")
    args: str | None = Field(description="its arguments as Celery represents them, cut; null without scope results")
    kwargs: str | None = Field(description="its keyword arguments, likewise")


class TasksSummary(BaseModel):
    """How many tasks match, on all pages; null where the broker could not be asked, or a worker did not tell."""

    active: int | None = Field(description="tasks that run")
    reserved: int | None = Field(description="tasks that wait for a slot of a worker")
    scheduled: int | None = Field(description="tasks that wait in a worker for their time")
    total_pending: int | None = Field(description="the sum of these: tasks that workers hold and that have not ended")


class TasksStatus(Fresh):
    """What the workers hold."""

    summary: TasksSummary = Field(description="how many tasks match, on all pages")
    active_tasks: list[TaskEntry] = Field(description="those of this page that run")
    reserved_tasks: list[TaskEntry] = Field(description="those of this page that wait for a slot of their worker")
    scheduled_tasks: list[TaskEntry] = Field(description="those of this page that wait for their time")
    next_cursor: str | None = Field(description="the cursor of the next page; null on the last")
    complete: bool = Field(
        description="whether every task is listed that the answering workers hold: a worker tells 1000 of each state, "
        "and one without celery-otel may not tell a state at all"
    )
    workers: list[str] = Field(description="node names of workers that answered")
    silent_workers: list[str] = Field(description="those that did not answer, but are alive: what they hold is missing")
    offline_workers: list[str] = Field(description="those that are expected, and of which nothing was heard")
    unknown_workers: list[str] = Field(description="those that could not be asked, because the broker is away")
