"""A stamp is read as the context of the attempt's own span, or not at all."""

import pytest
from celery.app.task import Context
from opentelemetry.trace import SpanContext, TraceFlags, TraceState

from celery_otel.hooks.stamp import Stamp, found_stamp
from celery_otel.stamps import TRACEPARENT, TRACESTATE

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize("flags", [0, 1, 3])
def test_a_stamp_is_the_context_of_a_span_of_this_process(flags: int) -> None:
    """Ids, flags and trace state are those of the stamp, and the span is no remote one: it is the attempt's own."""
    request = Context({TRACEPARENT: f"00-{TRACE}-{SPAN}-{flags:02x}", TRACESTATE: "a=1,b=2"})
    state = TraceState([("a", "1"), ("b", "2")])
    expected = SpanContext(
        int(TRACE, 16), int(SPAN, 16), is_remote=False, trace_flags=TraceFlags(flags), trace_state=state
    )
    found = found_stamp(request)
    assert found is not None
    stamp = Stamp(found, request)
    assert (expected, bool(flags)) == (stamp.context(), stamp.sampled)
    assert stamp.context() is stamp.context()


@pytest.mark.parametrize(
    "stamp",
    [
        None,
        "",
        7,
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN[:-1]} -01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
    ],
)
def test_what_is_no_stamp_is_none(stamp: object) -> None:
    """A task that MAIN has not stamped, or whose stamp is broken, has no span of its own."""
    assert found_stamp(Context({TRACEPARENT: stamp})) is None
    assert found_stamp(Context()) is None


@pytest.mark.parametrize("state", [None, 7, "", "nonsense"])
def test_a_broken_trace_state_costs_nothing_else(state: object) -> None:
    """Ids are used without the trace state then."""
    request = Context({TRACEPARENT: f"00-{TRACE}-{SPAN}-01", TRACESTATE: state})
    found = found_stamp(request)
    assert found is not None
    assert TraceState() == Stamp(found, request).context().trace_state
