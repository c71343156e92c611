"""The stamp of an attempt: ids and sampling decision of its own span, which MAIN puts into its request at receipt.

It reaches the process that runs the task among the headers of its request. Texts, since transports treat numbers
differently: a large one makes the AMQP transport lose the task.
"""

from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import SpanContext, TraceFlags, TraceState

from celery_otel.core.span import TRACEPARENT_FORM
from celery_otel.stamps import TRACEPARENT, TRACESTATE


def read_stamp(request: Mapping[str, Any]) -> SpanContext | None:
    """The context of the attempt's own span; None for a task without a usable stamp.

    Args:
        request: A task's request, as Celery hands it to what runs the task.
    """
    found = TRACEPARENT_FORM.fullmatch(str(request.get(TRACEPARENT, "")))
    if found is None:
        return None
    trace_id, span_id, flags = int(found[1], 16), int(found[2], 16), int(found[3], 16)
    return SpanContext(
        trace_id, span_id, is_remote=False, trace_flags=TraceFlags(flags), trace_state=_trace_state(request)
    )


def _trace_state(request: Mapping[str, Any]) -> TraceState | None:
    header = request.get(TRACESTATE)
    return TraceState.from_header([header]) if isinstance(header, str) else None
