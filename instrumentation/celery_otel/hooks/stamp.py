"""The stamp of an attempt: ids and sampling decision of its own span, which MAIN puts into its request at receipt.

It reaches the process that runs the task among the headers of its request. Texts, since transports treat numbers
differently: a large one makes the AMQP transport lose the task.
"""

import re
from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import SpanContext, TraceFlags, TraceState

from celery_otel.core.span import TRACEPARENT_FORM
from celery_otel.stamps import TRACEPARENT, TRACESTATE


class Stamp:
    """A usable stamp. Most tasks never ask who their span is: its context is made for those that do.

    Args:
        found: The stamp's parts.
        request: The request that it came with.

    Attributes:
        sampled: Whether the span is recorded.
    """

    __slots__ = ("_context", "_found", "_request", "sampled")

    def __init__(self, found: re.Match[str], request: Mapping[str, Any]) -> None:
        self._found = found
        self._request = request
        self._context: SpanContext | None = None
        self.sampled = bool(int(found[3], 16) & TraceFlags.SAMPLED)

    def context(self) -> SpanContext:
        """The context of the attempt's own span."""
        if self._context is None:
            trace_id, span_id, flags = (int(part, 16) for part in self._found.groups())
            state = _trace_state(self._request)
            self._context = SpanContext(trace_id, span_id, False, TraceFlags(flags), state)  # noqa: FBT003  # not remote
        return self._context


def found_stamp(request: Mapping[str, Any]) -> re.Match[str] | None:
    """The parts of a task's stamp; None for one without a usable stamp.

    Args:
        request: A task's request, as Celery hands it to what runs the task.
    """
    return TRACEPARENT_FORM.fullmatch(str(request.get(TRACEPARENT, "")))


def _trace_state(request: Mapping[str, Any]) -> TraceState | None:
    header = request.get(TRACESTATE)
    return TraceState.from_header([header]) if isinstance(header, str) else None
