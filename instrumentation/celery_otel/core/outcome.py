"""What the end of an attempt can be, and what a pool can report of it."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How an attempt ended: the label `status`."""

    SUCCESS = "success"
    FAILURE = "failure"
    RETRY = "retry"
    REVOKED = "revoked"
    REJECTED = "rejected"
    IGNORED = "ignored"


class ReturnCause(StrEnum):
    """Why an attempt left the worker without an end: the label `cause` of what was returned."""

    SHUTDOWN = "shutdown"
    CONNECTION_LOST = "connection_lost"
    REQUEUED = "requeued"
    CANCELLED = "cancelled"
    DROPPED = "dropped"
    KILLED = "killed"


SEEN_CAUSES = tuple(cause for cause in ReturnCause if cause is not ReturnCause.KILLED)
"""What a worker sees itself; that it was killed, only the next one of its name can tell, from a state that it kept."""


class RevocationCause(StrEnum):
    """Why an attempt was revoked: the label `cause` of revocations."""

    REVOKED = "revoked"
    EXPIRED = "expired"
    TERMINATED = "terminated"


class Limit(StrEnum):
    """The two time limits of Celery: the label `limit`."""

    SOFT = "soft"
    HARD = "hard"


class ReportKind(StrEnum):
    """What a pool says of an attempt that it ran."""

    SUCCEEDED = "succeeded"
    KILLED_QUIETLY = "killed quietly"
    """Success is claimed for a greenlet that was killed: it has neither a result nor a runtime."""
    RAISED = "raised"
    RETRIED = "retried"
    IGNORED = "ignored"
    REJECTED = "rejected"
    TERMINATED = "terminated"
    LOST = "lost"
    TIMED_OUT = "timed out"


TIMEOUT = "timeout"
"""The error type of an attempt that exceeded its hard limit."""
WORKER_LOST = "worker_lost"
"""The error type of an attempt whose child died under it."""


@dataclass(frozen=True, slots=True)
class Report:
    """A pool's report: what it says, and of which class the exception was, if there was one."""

    kind: ReportKind
    error: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended, or why it was returned: exactly one of `status` and `returned` is set.

    Attributes:
        status: Its status, None if it was returned.
        returned: Why it was returned, None if it ended.
        detail: The error type of a failure, the reason of a retry, the cause of a revocation; else empty.
    """

    status: Status | None = None
    returned: ReturnCause | None = None
    detail: str = ""


SUCCESS = Outcome(Status.SUCCESS)
IGNORED = Outcome(Status.IGNORED)
REJECTED = Outcome(Status.REJECTED)
TIMED_OUT = Outcome(Status.FAILURE, detail=TIMEOUT)
LOST = Outcome(Status.FAILURE, detail=WORKER_LOST)
TERMINATED = Outcome(Status.REVOKED, detail=RevocationCause.TERMINATED)
CANCELLED = Outcome(returned=ReturnCause.CANCELLED)
REQUEUED = Outcome(returned=ReturnCause.REQUEUED)
KILLED = frozenset({TIMED_OUT, LOST, TERMINATED, CANCELLED})
"""The ends of attempts whose child is killed, where there is one."""
