"""Decides, when a message is received, who its attempt's span is: trace, parent, sampling, links."""

from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags

from celery_otel.core.span import Attributes, SpanIdentity, SpanLink


class HeaderGetter(Getter[Mapping[str, Any]]):
    """Reads the headers of a message, which come from the network and may be of any type."""

    def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
        """The texts under a key."""
        value = carrier.get(key)
        if isinstance(value, str):
            return [value]
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else None

    def keys(self, carrier: Mapping[str, Any]) -> list[str]:
        """Every key, for propagators that look for a beginning."""
        return list(carrier)


GETTER = HeaderGetter()


class IdentityMaker:
    """Makes the identities of a worker's spans.

    Args:
        sampler: Decides which spans are recorded.
        ids: Draws trace and span ids.
        extract: Reads a context from message headers; by default the global propagator.
    """

    def __init__(
        self,
        sampler: Sampler,
        ids: IdGenerator | None = None,
        extract: Callable[..., Context] = propagate.extract,
    ) -> None:
        self._sampler = sampler
        self._ids = ids or RandomIdGenerator()
        self._extract = extract

    def make(
        self,
        headers: Mapping[str, Any],
        name: str,
        attributes: Attributes,
        *,
        links: tuple[SpanLink, ...] = (),
    ) -> SpanIdentity:
        """The identity of a new span.

        Args:
            headers: The message's, which may carry a parent.
            name: The span's, for the sampler.
            attributes: The span's as far as they are known, for the sampler.
            links: Spans that it has to do with.
        """
        # An explicit empty context: the ambient one of MAIN is nobody's parent.
        context = self._extract(headers, Context(), getter=GETTER)
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


def _added(said: Mapping[str, Any], given: Attributes) -> Attributes:
    """What a sampler adds. Those of the SDK hand back what they were given."""
    if said == given:
        return {}
    return {key: value for key, value in said.items() if key not in given or given[key] != value}


def _sdk_link(link: SpanLink) -> Link:
    context = SpanContext(link.trace_id, link.span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return Link(context, link.attributes)
