"""The span of an attempt: who it is, decided at its receipt, and what is known of it at its end.

Nothing here knows OpenTelemetry: ids are numbers, times are Unix times in seconds.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from celery_otel.core.outcome import CANCELLED, TERMINATED, Outcome, Status

AttributeValue = str | bool | int | float | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]
Attributes = Mapping[str, AttributeValue]
Pairs = tuple[tuple[str, AttributeValue], ...]

TERMINATED_ERROR = "terminated"
"""The error type of an attempt that was killed by a revoke."""
CANCELLED_ERROR = "cancelled"
"""The error type of an attempt that was abandoned by a shutdown or with its connection."""


TRACEPARENT_FORM = re.compile("00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
"""A traceparent of the only version there is, without the ids of zeros that stand for none: trace, span, flags.

Source: https://www.w3.org/TR/trace-context/#traceparent-header"""


@dataclass(frozen=True, slots=True)
class SpanLink:
    """A link to another span.

    Attributes:
        trace_id: Its trace, 128 bits.
        span_id: Its id, 64 bits.
        attributes: What the link means.
    """

    trace_id: int
    span_id: int
    attributes: Attributes = field(default_factory=dict)


class SpanIdentity(NamedTuple):
    """What is decided when a message is received, and obeyed by all that follows. A tuple: one is made for every task.

    Attributes:
        trace_id: The trace, 128 bits.
        span_id: The attempt's own span, 64 bits.
        parent_id: The span that published it; 0 if it is the root of its trace.
        sampled: Whether the span is recorded, and those below it.
        trace_state: The trace's state in the W3C notation; empty if it has none.
        links: Other spans that this one has to do with.
        attributes: Set by the sampler.
    """

    trace_id: int
    span_id: int
    parent_id: int = 0
    sampled: bool = True
    trace_state: str = ""
    links: tuple[SpanLink, ...] = ()
    attributes: Attributes = MappingProxyType({})

    @property
    def traceparent(self) -> str:
        """The span in the W3C notation: version, trace, span, flags."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{self.sampled:02x}"


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that ended an attempt.

    Attributes:
        type: Its class, with its module.
        stack: The traceback as text, the message left out; empty if there is none.
        message: What it says.
        expected: The task lists it in `throws`: a failure that is no error.
    """

    type: str
    stack: str = ""
    message: str = ""
    expected: bool = False


def has_span(outcome: Outcome, *, started: bool) -> bool:
    """Whether an attempt gets a span: all that ended do, and of those that were returned the ones that had started."""
    return outcome.status is not None or started


_OTHER_ERRORS = {TERMINATED: TERMINATED_ERROR, CANCELLED: CANCELLED_ERROR}


def error_type(outcome: Outcome) -> str:
    """What `error.type` says of an outcome; empty where it is no error, as a retry, Ignore or Reject is none."""
    if outcome.status is Status.SUCCESS:
        return ""
    return outcome.detail if outcome.status is Status.FAILURE else _OTHER_ERRORS.get(outcome, "")


@dataclass(slots=True)
class FinishedSpan:
    """An attempt's span as it is exported.

    Attributes:
        identity: Who it is.
        task: The task's name, bounded.
        queue: The queue's name, bounded.
        start: Unix time in seconds.
        end: Unix time in seconds, not before `start`.
        attributes: What it says beside what is the same for every attempt of the task and queue.
        shared: What it says, too, and many others say as well: of such pairs there are few.
        error_type: Why it is an error; empty if it is none.
        raised: The exception that ended it.
        said: What user code set on the current span of the task: see `relay_span`.
    """

    identity: SpanIdentity
    task: str
    queue: str
    start: float
    end: float
    attributes: Attributes
    shared: Pairs = ()
    error_type: str = ""
    raised: Raised | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
