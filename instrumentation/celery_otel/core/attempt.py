"""One attempt: a task that a worker received once, from the receipt of its message to its end.

A retry is another attempt of the same task id, and so is a message that the broker delivers again.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self
from weakref import ref

from celery_otel.core.outcome import Outcome
from celery_otel.core.span import AttributeValue, Raised, SpanIdentity

Identity = tuple[str, str, str]


class Attempt:
    """What is known of an attempt while it is open. Times are Unix times in seconds.

    The flags say what Celery announced before the pool reported; `decision.decide` weighs them against the report.

    Attributes:
        task: The registered name of the task, bounded as a label.
        queue: The queue it came from, bounded as a label.
        id: The task's id, as it came from the network: of any type.
        headers: What is kept of the message's, just so: the values of `message_headers.COUNTED` and what follows there.
        identity: Task id, number of retries and of replacements: the same when a message is delivered again.
        received_at: When the worker got the message.
        published_at: When it was published, if the publisher said so.
        eta: Not before when it was to start, if that was asked for.
        accepted: The pool has accepted it, which the ledger may not know yet.
        started_at: When the pool accepted it; None while it waits.
        started_monotonic: The same moment on this process's monotonic clock.
        handed_over: Celery gave it to the pool.
        revoked: Celery kills it, though it had started.
        cancelled: Celery kills it, for a shutdown or a lost connection.
        requeued: Its message went back to the broker.
        refusal: Class of the error for which the worker refused to start it, empty if there was none.
        stored_success: Its result was stored before its child was lost.
        retried_after_loss: Celery published a retry for it after its child was lost.
        reporting: The pool's report is being handled now.
        outcome: How it ended or why it was returned; None while it is open.
        span: Who its span is; None if there is none.
        pid: The child process that runs it, where there is one.
        attributes: What its span says beside these and what every attempt of its task has.
        raised: The exception that ended it.
        owner: Weak reference to the request object that stands for it in Celery.
    """

    # It has no constructor: one is made for every task, and most of it never differs from these.
    task = ""
    queue = ""
    id: Any = ""
    headers: tuple[Any, ...] = ()
    identity: Identity = ("", "", "")
    received_at = 0.0
    published_at: float | None = None
    eta: float | None = None
    accepted = False
    started_at: float | None = None
    started_monotonic = 0.0
    handed_over = False
    revoked = False
    cancelled = False
    requeued = False
    refusal = ""
    stored_success = False
    retried_after_loss = False
    reporting = False
    outcome: Outcome | None = None
    owner: Owner | None = None
    span: SpanIdentity | None = None
    pid: Any = None
    attributes: Mapping[str, AttributeValue] = MappingProxyType({})
    raised: Raised | None = None

    @classmethod
    def described(cls, task: str, queue: str, identity: Identity, received_at: float) -> Self:
        """One that needs no message to describe it."""
        made = cls()
        made.task, made.queue, made.identity, made.received_at = task, queue, identity, received_at
        return made

    @property
    def ready_at(self) -> float:
        """When nothing but the worker kept it from starting: its receipt, or its ETA if that is later."""
        return self.received_at if self.eta is None else max(self.received_at, self.eta)


class Owner(ref[Any]):
    """A weak reference to a request that remembers whose it was, so that its death can be told to the ledger.

    Attributes:
        attempt: Whose it was; to be set at once. No constructor sets it: one in Python costs as much as the reference.
    """

    __slots__ = ("attempt",)

    attempt: Attempt
