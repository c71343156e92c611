"""Decides, when a message is received, who its attempt's span is: trace, parent, sampling, links."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import Getter
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
)
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from celery_otel.core.span import TRACEPARENT_FORM, Attributes, SpanIdentity, SpanLink
from celery_otel.failures import FailureLog
from celery_otel.header_lines import header_lines
from celery_otel.untrusted import encodable


class HeaderGetter(Getter[Mapping[str, Any]]):
    """Reads the headers of a message, which come from the network and may be of any type."""

    def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
        """The texts under a key, which propagators can encode."""
        value = carrier.get(key)
        if isinstance(value, str):
            return [encodable(value)]
        return [encodable(item) for item in value if isinstance(item, str)] if isinstance(value, list) else None

    def keys(self, carrier: Mapping[str, Any]) -> list[str]:
        """Every key, for propagators that look for a beginning."""
        return list(carrier)


GETTER = HeaderGetter()
_FIELDS = frozenset({"traceparent", "tracestate", "baggage"})
"""What the standard propagators read."""
_SAMPLED = frozenset("13579bdf")
"""The last digits of flags that say that a span is sampled."""


class IdentityMaker:
    """Makes the identities of a worker's spans.

    Most messages carry the traceparent of a span that has been decided on, and most samplers obey it, or decide the
    same for every span. For these the header is all that is needed: neither a context is made nor a sampler asked.

    Args:
        sampler: Decides which spans are recorded.
        ids: Draws trace and span ids.
        extract: Reads a context from message headers; by default the global propagator.
        log: Where malformed headers are told.
    """

    def __init__(
        self,
        sampler: Sampler,
        ids: IdGenerator | None = None,
        extract: Callable[..., Context] = propagate.extract,
        log: FailureLog | None = None,
    ) -> None:
        self._sampler = sampler
        self._always = always(sampler)
        self._needs_no_sampler = self._always is not None or obeys_parent(sampler)
        self._ids = ids or RandomIdGenerator()
        self._extract = extract
        self._log = log or FailureLog()
        self._propagator: object = None
        self._standard = False

    def passed_on(self, headers: Mapping[str, Any]) -> str | None:
        """The traceparent of a message that says, whatever its span is, that nobody records it; else None.

        Then the span needs no id of its own: what runs below it, and the lines that it logs, belong to the one that
        published it as well.

        Args:
            headers: The message's.
        """
        traceparent = headers.get("traceparent")
        if self._always or not isinstance(traceparent, str) or traceparent[-1:] in _SAMPLED:
            return None
        return None if self._parent(headers) is None else traceparent

    def make(
        self,
        headers: Mapping[str, Any],
        about: Callable[[], tuple[str, Attributes]],
        *,
        links: tuple[SpanLink, ...] = (),
    ) -> SpanIdentity:
        """The identity of a new span.

        Args:
            headers: The message's, which may carry a parent.
            about: Tells the span's name, and its attributes as far as they are known, if the sampler is asked.
            links: Spans that it has to do with.
        """
        found = self._parent(headers)
        if found is None:
            return self._decide(headers, about, links)
        trace_id, parent_id, flags = found.groups()
        sampled = flags[1] in _SAMPLED if self._always is None else self._always
        return SpanIdentity(int(trace_id, 16), self._ids.generate_span_id(), int(parent_id, 16), sampled, "", links)

    def _parent(self, headers: Mapping[str, Any]) -> re.Match[str] | None:
        """The parts of a message's traceparent, where that alone decides who the span is."""
        traceparent = headers.get("traceparent")
        if not isinstance(traceparent, str) or not self._needs_no_sampler:
            return None
        if not self._reads_standard() or headers.get("tracestate"):
            return None
        return TRACEPARENT_FORM.fullmatch(traceparent)

    def _reads_standard(self) -> bool:
        """Whether the propagator of this moment, which an application may replace, reads `traceparent` and no more."""
        if self._extract is not propagate.extract:
            return False
        propagator = propagate.get_global_textmap()
        if propagator is not self._propagator:
            self._propagator, self._standard = propagator, is_standard(propagator)
        return self._standard

    def _decide(
        self, headers: Mapping[str, Any], about: Callable[[], tuple[str, Attributes]], links: tuple[SpanLink, ...]
    ) -> SpanIdentity:
        name, attributes = about()
        context = self._context(headers)
        parent = trace.get_current_span(context).get_span_context()
        trace_id = parent.trace_id if parent.is_valid else self._ids.generate_trace_id()
        result = self._sampler.should_sample(
            context, trace_id, name, SpanKind.CONSUMER, attributes, [_sdk_link(link) for link in links]
        )
        return SpanIdentity(
            trace_id,
            self._ids.generate_span_id(),
            parent.span_id if parent.is_valid else 0,
            sampled=result.decision is Decision.RECORD_AND_SAMPLE,
            trace_state=result.trace_state.to_header() if result.trace_state else "",
            links=links,
            attributes=_added(result.attributes or {}, attributes),
        )

    def _context(self, headers: Mapping[str, Any]) -> Context:
        # An explicit empty context: the ambient one of MAIN is nobody's parent.
        context = Context()
        if self._reads_standard() and _FIELDS.isdisjoint(headers):
            return context
        with header_lines(self._log):
            return self._extract(headers, context, getter=GETTER)


def always(sampler: Sampler) -> bool | None:
    """What a sampler decides for every span; None if that depends on the span."""
    # Compared by identity: it may be the user's, which need not have a hash.
    if sampler is ALWAYS_ON or sampler is ALWAYS_OFF:
        return sampler is ALWAYS_ON
    return None


def obeys_parent(sampler: Sampler) -> bool:
    """Whether a sampler does what the parent's flag says, whatever the span is."""
    obeys = "remoteParentSampled:AlwaysOnSampler,remoteParentNotSampled:AlwaysOffSampler,"
    return type(sampler) in _PARENT_BASED and obeys in sampler.get_description()


_PARENT_BASED = (ParentBased, ParentBasedTraceIdRatio)


def is_standard(propagator: object) -> bool:
    """Whether a propagator reads the W3C's headers, as the SDK's does without further settings."""
    if type(propagator) is not CompositePropagator:
        return False
    kinds = {type(one) for one in propagator._propagators}  # noqa: SLF001  # it has no public name for them
    return kinds == {TraceContextTextMapPropagator, W3CBaggagePropagator}


def _added(said: Mapping[str, Any], given: Attributes) -> Attributes:
    """What a sampler adds. Those of the SDK hand back what they were given."""
    if said == given:
        return {}
    return {key: value for key, value in said.items() if key not in given or given[key] != value}


def _sdk_link(link: SpanLink) -> Link:
    context = SpanContext(link.trace_id, link.span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return Link(context, link.attributes)
