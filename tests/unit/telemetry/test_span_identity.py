"""Who the span of an attempt is follows from the message and the sampler."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import Getter, TextMapPropagator, default_getter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState

from celery_otel.core.span import SpanLink
from celery_otel.telemetry.span_identity import GETTER, IdentityMaker, obeys_parent

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
UNSAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
CONSTANT = {"celery.task.name": "shop.order"}


class Recording(Sampler):
    """Keeps what it is asked, and adds an attribute and a trace state."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def should_sample(  # noqa: PLR0913, PLR0917  # the SDK's signature
        self,
        parent_context: Context | None,  # noqa: ARG002  # the SDK's signature
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Any = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,  # noqa: ARG002  # the SDK's signature
    ) -> SamplingResult:
        """Records and samples."""
        self.asked.append((trace_id, name, kind, dict(attributes), links))
        added = {**attributes, "sampler.rule": "all"}
        return SamplingResult(Decision.RECORD_AND_SAMPLE, added, TraceState([("shop", "1")]))

    def get_description(self) -> str:
        """What it is."""
        return "Recording"


def test_the_parent_is_the_messages() -> None:
    """Trace and parent come from the message, and the span's own id is new each time."""
    maker = IdentityMaker(DEFAULT_ON)
    first, second = (maker.make(SAMPLED, lambda: ("process shop.order", CONSTANT)) for _ in range(2))
    assert (int(TRACE, 16), int(PARENT, 16)) == (first.trace_id, first.parent_id)
    assert first.span_id != second.span_id
    assert f"00-{TRACE}-{first.span_id:016x}-01" == first.traceparent


def test_without_a_parent_a_trace_begins() -> None:
    """A message that carries no trace gets a new one."""
    first, second = (IdentityMaker(DEFAULT_ON).make({}, lambda: ("process", {})) for _ in range(2))
    assert (0, 0) == (first.parent_id, second.parent_id)
    assert first.trace_id != second.trace_id


@pytest.mark.parametrize(
    ("sampler", "headers", "sampled"),
    [
        (ALWAYS_ON, UNSAMPLED, True),
        (ALWAYS_OFF, SAMPLED, False),
        (DEFAULT_ON, UNSAMPLED, False),
        (DEFAULT_ON, {}, True),
        (DEFAULT_OFF, SAMPLED, True),
        (DEFAULT_OFF, {}, False),
        (ParentBasedTraceIdRatio(0.0), SAMPLED, True),
        (TraceIdRatioBased(0.0), SAMPLED, False),
        (ParentBased(ALWAYS_OFF), UNSAMPLED, False),
    ],
)
def test_the_sampler_decides(sampler: Sampler, headers: Mapping[str, str], sampled: bool) -> None:  # noqa: FBT001  # a case
    """The decision is the sampler's, of the message's own; it is in the flags that go on from here."""
    identity = IdentityMaker(sampler).make(headers, lambda: ("process", CONSTANT))
    assert sampled is identity.sampled
    assert f"-0{int(sampled)}" == identity.traceparent[-3:]


@pytest.mark.parametrize(
    ("passed_on", "sampler", "headers"),
    [
        (True, DEFAULT_ON, UNSAMPLED),
        (True, ALWAYS_OFF, UNSAMPLED),
        (True, ParentBasedTraceIdRatio(0.5), UNSAMPLED),
        (False, DEFAULT_ON, SAMPLED),
        (False, ALWAYS_OFF, SAMPLED),
        (False, ALWAYS_ON, UNSAMPLED),
        (False, TraceIdRatioBased(0.5), UNSAMPLED),
        (False, DEFAULT_ON, {**UNSAMPLED, "tracestate": "shop=1"}),
        (False, DEFAULT_ON, {}),
        (False, DEFAULT_ON, {"traceparent": "00"}),
        (False, DEFAULT_ON, {"traceparent": f"00-{TRACE}-{'0' * 16}-00"}),
    ],
)
def test_what_nobody_records_needs_no_id(passed_on: bool, sampler: Sampler, headers: Mapping[str, str]) -> None:  # noqa: FBT001  # a case
    """The message's own traceparent stands for a span that is certainly not sampled, if it says all there is to say."""
    assert (headers["traceparent"] if passed_on else None) == IdentityMaker(sampler).passed_on(headers)


def test_a_propagator_of_ones_own_is_asked() -> None:
    """It may find another parent than the header's."""
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(OneHeader())
    try:
        assert IdentityMaker(DEFAULT_ON).passed_on(UNSAMPLED) is None
    finally:
        propagate.set_global_textmap(before)


@dataclass
class Unhashable(Sampler):
    """A user's sampler that has no hash."""

    rate: float = 1.0

    def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
        """Samples everything."""
        return SamplingResult(Decision.RECORD_AND_SAMPLE)

    def get_description(self) -> str:
        """Its name."""
        return "Unhashable"


def test_a_sampler_needs_no_hash() -> None:
    """A dataclass that may change has none, and is asked like any other."""
    assert IdentityMaker(Unhashable()).make(UNSAMPLED, lambda: ("process", {})).sampled


@pytest.mark.parametrize("sampler", [TraceIdRatioBased(1.0), DEFAULT_ON, ParentBasedTraceIdRatio(1.0)])
def test_the_sdks_samplers_add_nothing(sampler: Sampler) -> None:
    """They give back the attributes that they are given, which are no attributes of their own."""
    assert {} == IdentityMaker(sampler).make(SAMPLED, lambda: ("process", CONSTANT)).attributes


def test_a_sampler_is_asked_as_the_sdk_asks() -> None:
    """It gets the trace, name, kind, attributes and links; what it adds is on the span, and its trace state too."""
    sampler = Recording()
    link = SpanLink(1, 2, {"celery.link": "header"})
    identity = IdentityMaker(sampler).make(SAMPLED, lambda: ("process shop.order", CONSTANT), links=(link,))
    ((trace_id, name, kind, attributes, (asked_link,)),) = sampler.asked
    assert (int(TRACE, 16), "process shop.order", SpanKind.CONSUMER) == (trace_id, name, kind)
    assert CONSTANT == attributes
    assert (1, 2) == (asked_link.context.trace_id, asked_link.context.span_id)
    assert {"sampler.rule": "all"} == identity.attributes
    assert "shop=1" == identity.trace_state
    assert (link,) == identity.links


@pytest.mark.parametrize(
    ("parent", "headers"),
    [
        (int(PARENT, 16), SAMPLED),
        (int(PARENT, 16), {**SAMPLED, "tracestate": "shop=1"}),
        (int(PARENT, 16), {"traceparent": f"cc-{TRACE}-{PARENT}-01-what the future brings"}),
        (0, {"traceparent": f"00-{TRACE}-{PARENT}-01-more"}),
        (0, {"traceparent": f"00-{0:032}-{PARENT}-01"}),
        (0, {"traceparent": f"00-{TRACE}-{0:016}-01"}),
        (0, {"traceparent": f"00-{TRACE.upper()}-{PARENT}-01"}),
        (0, {"traceparent": f"ff-{TRACE}-{PARENT}-01"}),
        (0, {"traceparent": ""}),
    ],
)
def test_a_header_is_read_as_the_propagator_reads_it(parent: int, headers: Mapping[str, str]) -> None:
    """Where the header is read without the propagator, it says what the propagator would."""
    told = [IdentityMaker(sampler).make(headers, lambda: ("process", {})) for sampler in (DEFAULT_ON, Recording())]
    assert [parent, parent] == [identity.parent_id for identity in told]
    assert [bool(parent), bool(parent)] == [int(TRACE, 16) == identity.trace_id for identity in told]


def test_a_trace_state_goes_on() -> None:
    """The state of the parent's trace is the span's too."""
    headers = {**SAMPLED, "tracestate": "shop=1"}
    assert "shop=1" == IdentityMaker(DEFAULT_ON).make(headers, lambda: ("process", {})).trace_state


def test_an_applications_own_propagator_is_asked() -> None:
    """Once another propagator is set, also later, the W3C's header is nobody's parent."""
    maker = IdentityMaker(DEFAULT_ON)
    before = propagate.get_global_textmap()
    assert int(PARENT, 16) == maker.make(SAMPLED, lambda: ("process", {})).parent_id
    propagate.set_global_textmap(CompositePropagator([W3CBaggagePropagator()]))
    try:
        assert 0 == maker.make(SAMPLED, lambda: ("process", {})).parent_id
    finally:
        propagate.set_global_textmap(before)


class OneHeader(TextMapPropagator):
    """Reads a header of its own, as that of B3 does."""

    def extract(self, carrier: Any, context: Context | None = None, getter: Getter[Any] = default_getter) -> Context:
        """The parent that the header names."""
        trace_id, span_id = (getter.get(carrier, "b3") or ["0-0"])[0].split("-")
        flags = TraceFlags(TraceFlags.SAMPLED)
        parent = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=flags)
        return trace.set_span_in_context(NonRecordingSpan(parent), context)

    def inject(self, *_: Any, **__: Any) -> None:
        """Nothing is sent here."""

    @property
    def fields(self) -> set[str]:
        """Its header."""
        return {"b3"}


def test_an_applications_own_header_is_read() -> None:
    """A propagator may look for its parent elsewhere than the W3C's, in a message that has none of those headers."""
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(OneHeader())
    try:
        identity = IdentityMaker(DEFAULT_ON).make({"b3": f"{TRACE}-{PARENT}"}, lambda: ("process", {}))
    finally:
        propagate.set_global_textmap(before)
    assert (int(TRACE, 16), int(PARENT, 16)) == (identity.trace_id, identity.parent_id)


@pytest.mark.parametrize(
    ("expected", "sampler"),
    [
        (True, DEFAULT_ON),
        (True, DEFAULT_OFF),
        (True, ParentBasedTraceIdRatio(0.5)),
        (False, ALWAYS_ON),
        (False, TraceIdRatioBased(0.5)),
        (False, ParentBased(ALWAYS_ON, remote_parent_sampled=TraceIdRatioBased(0.5))),
        (False, ParentBased(ALWAYS_ON, remote_parent_not_sampled=ALWAYS_ON)),
        (False, Recording()),
    ],
)
def test_who_obeys_the_parent(expected: bool, sampler: Sampler) -> None:  # noqa: FBT001  # a case
    """Only samplers that look at nothing but the parent's flag need not be asked."""
    assert expected is obeys_parent(sampler)


header_values = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text() | st.integers())


@given(st.dictionaries(st.sampled_from(["traceparent", "tracestate", "baggage", "other"]), header_values))
def test_headers_may_hold_anything(headers: dict[str, Any]) -> None:
    """Whatever a message from the network has for headers, the attempt gets an identity of its own."""
    maker = IdentityMaker(DEFAULT_ON)
    assert maker.passed_on(headers) is None
    identity = maker.make(headers, lambda: ("process", CONSTANT))
    assert 0 < identity.trace_id < 2**128
    assert 0 < identity.span_id < 2**64


def test_keys_are_all_keys() -> None:
    """A propagator that looks for keys with a beginning sees them all."""
    assert ["a", "b"] == GETTER.keys({"a": 1, "b": 2})


def test_half_a_surrogate_pair_in_a_header_costs_no_span() -> None:
    """Propagators cannot encode it, in whatever they read; what else they find counts."""
    headers = {"traceparent": SAMPLED["traceparent"], "tracestate": "shop=1", "baggage": "tenant=\ud800"}
    identity = IdentityMaker(DEFAULT_ON).make(headers, lambda: ("process", {}))
    assert int(SAMPLED["traceparent"].split("-")[1], 16) == identity.trace_id
