"""What `POST tasks/{task_id}/revoke` takes and gives."""

import signal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class RevokeParameters(BaseModel):
    """Which task, and how."""

    model_config = ConfigDict(extra="forbid")

    task_id: str = Field(min_length=1, max_length=255, description="the task's id")
    terminate: bool = Field(default=False, description="also end the process that runs it, if one does")
    signal: str = Field(
        "SIGTERM",
        description="the signal to end it with, such as SIGTERM or SIGKILL",
        json_schema_extra={"enum": [*sorted(signal.Signals.__members__)]},
    )

    @field_validator("signal")
    @classmethod
    def _known(cls, name: str) -> str:
        full = name.upper() if name.upper().startswith("SIG") else f"SIG{name.upper()}"
        if full not in signal.Signals.__members__:
            raise ValueError("it is the name of a signal, such as SIGTERM, SIGINT or SIGKILL")
        return full


class Revocation(BaseModel):
    """What came of a revoke."""

    timestamp: str = Field(description="when the workers were asked: RFC 3339, UTC")
    task_id: str = Field(description="the task's id")
    state: str = Field(description="its state before, as in tasks/{task_id}/status")
    confirmed: list[str] = Field(description="node names of workers that will refuse it from now on")
    silent: list[str] = Field(description="those that did not answer: they may know nothing of it")
    refused: dict[str, str] = Field(description="those that answered with an error, and which")
    terminated: bool | None = Field(description="whether it has ended; null unless that was asked for")
    remembered: dict[str, bool | None] = Field(
        description="for each worker that confirmed whether it still knows after its restart (--statedb); null unknown"
    )
    detail: str = Field(description="what that means, and what to do next")
