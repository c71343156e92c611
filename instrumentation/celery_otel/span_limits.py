"""How much the current span of a task holds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpanLimits:
    """How much a span holds; what comes later pushes out what is oldest.

    Source: OpenTelemetry specification, trace SDK, "Span Limits".

    Attributes:
        attributes: Attributes of the span (OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT).
        events: Events of the span (OTEL_SPAN_EVENT_COUNT_LIMIT).
        links: Links of the span (OTEL_SPAN_LINK_COUNT_LIMIT).
        event_attributes: Attributes of each event (OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT).
        link_attributes: Attributes of each link (OTEL_LINK_ATTRIBUTE_COUNT_LIMIT).
        value_length: Characters of a text as an attribute (OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT); None: any number.
        span_value_length: The same for the span's own attributes (OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT); None: as
            for others.
    """

    attributes: int = 128
    events: int = 128
    links: int = 128
    event_attributes: int = 128
    link_attributes: int = 128
    value_length: int | None = None
    span_value_length: int | None = None


DEFAULT_LIMITS = SpanLimits()
