"""What Jaeger's query API answers, as values.

The API (version 3) answers with OTLP's JSON:
https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: Where Jaeger notes what it found wrong with a span, as a missing parent or a clock that it corrected.
_WARNINGS = "@jaeger@warnings"
_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES = ("unset", "ok", "error")
_NANOSECONDS = 1_000_000_000

Tags = dict[str, Any]


@dataclass(frozen=True)
class SpanEvent:
    """Something that happened within a span, at a time in nanoseconds since 1970."""

    name: str
    time_ns: int
    tags: Tags


@dataclass(frozen=True)
class SpanLink:
    """A span's reference to another one, mostly of another trace."""

    trace_id: str
    span_id: str
    tags: Tags


@dataclass(frozen=True)
class Span:
    """One span; ids are hexadecimal, times in nanoseconds since 1970.

    Attributes:
        parent_id: None for a root.
        kind: unspecified, internal, server, client, producer or consumer.
        status: unset, ok or error, with what `status_message` says about it.
        tags: The span's own attributes.
        resource: The attributes of who sent it.
        warnings: What Jaeger found wrong with it.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    operation: str
    service: str
    kind: str
    start_ns: int
    end_ns: int
    status: str
    status_message: str
    tags: Tags
    resource: Tags
    events: tuple[SpanEvent, ...]
    links: tuple[SpanLink, ...]
    warnings: tuple[str, ...]

    @property
    def start(self) -> float:
        """Seconds since 1970."""
        return self.start_ns / _NANOSECONDS

    @property
    def duration(self) -> float:
        """Seconds from start to end."""
        return (self.end_ns - self.start_ns) / _NANOSECONDS


@dataclass(frozen=True)
class Trace:
    """The spans of one trace that Jaeger has, by their start."""

    trace_id: str
    spans: tuple[Span, ...]


def parse_traces(answer: Mapping[str, Any]) -> list[Trace]:
    """Read an answer with the spans of any number of traces."""
    by_trace: dict[str, list[Span]] = {}
    for span in _spans(answer["result"]["resourceSpans"]):
        by_trace.setdefault(span.trace_id, []).append(span)
    return [
        Trace(trace_id, tuple(sorted(spans, key=lambda span: span.start_ns))) for trace_id, spans in by_trace.items()
    ]


def _spans(resource_spans: list[dict[str, Any]]) -> Iterator[Span]:
    for entry in resource_spans:
        resource = _tags(entry.get("resource", {}))
        for scope_spans in entry.get("scopeSpans", []):
            for span in scope_spans["spans"]:
                yield _span(span, resource)


def _span(span: Mapping[str, Any], resource: Tags) -> Span:
    tags = _tags(span)
    status: Mapping[str, Any] = span.get("status", {})
    return Span(
        trace_id=span["traceId"],
        span_id=span["spanId"],
        parent_id=span.get("parentSpanId") or None,
        operation=span.get("name", ""),
        service=resource.get("service.name", ""),
        kind=_KINDS[span.get("kind", 0)],
        start_ns=int(span["startTimeUnixNano"]),
        end_ns=int(span["endTimeUnixNano"]),
        status=_STATUSES[status.get("code", 0)],
        status_message=status.get("message", ""),
        warnings=tuple(tags.pop(_WARNINGS, ())),
        tags=tags,
        resource=resource,
        events=tuple(_event(event) for event in span.get("events", [])),
        links=tuple(SpanLink(link["traceId"], link["spanId"], _tags(link)) for link in span.get("links", [])),
    )


def _event(event: Mapping[str, Any]) -> SpanEvent:
    return SpanEvent(event.get("name", ""), int(event["timeUnixNano"]), _tags(event))


def _tags(owner: Mapping[str, Any]) -> Tags:
    return {tag["key"]: _value(tag["value"]) for tag in owner.get("attributes", [])}


def _value(value: Mapping[str, Any]) -> Any:
    """Read one of OTLP's typed values; an integer comes as text, because JSON's numbers are too small for it."""
    content: Any
    kind, content = next(iter(value.items()), ("stringValue", ""))
    if kind == "intValue":
        return int(content)
    if kind == "arrayValue":
        return [_value(item) for item in content.get("values", [])]
    return content
