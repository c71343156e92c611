"""The span that a task finds as its current one: it keeps what is set on it, for MAIN, which makes the real span.

It follows the span of OpenTelemetry's SDK call by call: the same limits, the same rules for the status, the same
exception event, the same errors for arguments that make no sense. Two things differ. It has no beginning and no name,
which MAIN knows; and `end()` does nothing, since the attempt ends when Celery says so, whatever a task does with its
current span.
"""

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from logging import getLogger
from types import TracebackType
from typing import Any, Concatenate, ParamSpec

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace import Span, SpanContext, Status, StatusCode
from opentelemetry.util.types import AnyValue, Attributes

from celery_otel.relay_record import Record

logger = getLogger("celery_otel")

P = ParamSpec("P")
Setter = Callable[Concatenate["RelaySpan", P], None]


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


def _unless_ended(method: Setter[P]) -> Setter[P]:
    @wraps(method)
    def setter(self: "RelaySpan", /, *args: P.args, **kwargs: P.kwargs) -> None:
        with self._lock:
            if self.is_recording():
                self._touched = True
                method(self, *args, **kwargs)
                return
        logger.warning("%s was called on the span of a task that has ended: it has no effect.", method.__name__)

    return setter


class RelaySpan(Span):
    """The current span of one attempt that is sampled, from the beginning of its task to the end.

    Args:
        context: The ids of the attempt's own span, as MAIN decided them.
        limits: How much it holds.
        now: Gives the Unix time in nanoseconds.
    """

    __slots__ = (
        "_attributes",
        "_context",
        "_dropped",
        "_ended",
        "_events",
        "_limits",
        "_links",
        "_lock",
        "_name",
        "_now",
        "_status",
        "_touched",
    )

    def __init__(
        self, context: SpanContext, limits: SpanLimits = DEFAULT_LIMITS, now: Callable[[], int] = time.time_ns
    ) -> None:
        self._context = context
        self._limits = limits
        self._now = now
        # Reentrant, for handlers of signals and finalizers that use the span while it is being used.
        self._lock = threading.RLock()
        self._ended = False
        self._touched = False
        self._name: str | None = None
        self._status: Status | None = None
        self._attributes: dict[str, AnyValue] = {}
        self._events: deque[Record] = deque(maxlen=limits.events)
        self._links: deque[Record] = deque(maxlen=limits.links)
        self._dropped = {"attributes": 0, "events": 0, "links": 0}

    def get_span_context(self) -> SpanContext:
        """The ids of the attempt's own span."""
        return self._context

    def is_recording(self) -> bool:
        """Whether what is set is kept: until the task has ended."""
        return not self._ended

    def end(self, end_time: int | None = None) -> None:
        """Does nothing: the attempt ends when its task does."""

    @_unless_ended
    def set_attribute(self, key: str, value: AnyValue) -> None:
        """Sets an attribute. A key that is no text is dropped, with a warning."""
        cleaned = BoundedAttributes(immutable=False, max_value_len=self._longest())
        cleaned[key] = value
        self._keep(cleaned)

    @_unless_ended
    def set_attributes(self, attributes: Mapping[str, AnyValue]) -> None:
        """Sets several attributes."""
        self._keep(BoundedAttributes(attributes=attributes, max_value_len=self._longest()))

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Adds an event.

        Args:
            name: Its name.
            attributes: Its attributes.
            timestamp: When it was, in nanoseconds of Unix time; now if not given.
        """
        event = {"name": name, "time": self._now() if timestamp is None else timestamp}
        self._add_event({**event, **self._described(attributes, self._limits.event_attributes)})

    def add_link(self, context: SpanContext | None, attributes: Attributes = None) -> None:
        """Adds a link to another span; one to nothing, that says nothing, is left out."""
        if context is not None and (context.is_valid or attributes or context.trace_state):
            self._add_link({**_reference(context), **self._described(attributes, self._limits.link_attributes)})

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002  # OpenTelemetry's signature
    ) -> None:
        """Adds an event with type, message and stack trace of an exception."""
        kind = type(exception)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        told: dict[str, AnyValue] = {
            "exception.type": f"{module}{kind.__qualname__}",
            "exception.message": str(exception),
            "exception.stacktrace": "".join(traceback.format_exception(exception)),
            "exception.escaped": str(escaped),
        }
        self.add_event("exception", {**told, **(attributes or {})}, timestamp)

    @_unless_ended
    def update_name(self, name: str) -> None:
        """Names the span."""
        self._name = name

    @_unless_ended
    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Sets the status: OK is final, UNSET changes nothing."""
        code = getattr(status, "status_code", status)
        final = self._status is not None and self._status.status_code is StatusCode.OK
        if final or code not in (StatusCode.OK, StatusCode.ERROR):
            return
        if isinstance(status, StatusCode):
            self._status = Status(status, description)
            return
        if description is not None:
            logger.warning("Description %s ignored: it is part of a Status.", description)
        self._status = status

    def finish(self) -> Record | None:
        """Ends it.

        Returns:
            What was set on it; None if nothing was, so that it costs no datagram. The keys, of which only those are
            there that hold something:

            - `span`: the span id, 16 hexadecimal digits; always there;
            - `name`: the new name;
            - `attributes`: a mapping;
            - `events`: each with `name`, `time` in nanoseconds of Unix time, and `attributes`, `dropped` if any;
            - `links`: each with `traceparent`, and `tracestate`, `attributes`, `dropped` if any, and `remote` if true;
            - `status`: `code`, which is OK or ERROR, and `description` if any;
            - `dropped`: numbers of `attributes`, `events` and `links` that the limits left no room for; of an event
              or link the number of attributes;
            - `cut`: only added on the way, see `relay_record.fitted`.
        """
        with self._lock:
            self._ended = True
            if not self._touched:
                return None
            said = {key: value for key, value in self._said().items() if value}
        return {"span": f"{self._context.span_id:016x}", **said} if said else None

    def _said(self) -> Record:
        return {
            "name": self._name,
            "attributes": self._attributes,
            "events": list(self._events),
            "links": list(self._links),
            "status": _described_status(self._status) if self._status is not None else None,
            "dropped": {key: number for key, number in self._dropped.items() if number},
        }

    def _longest(self) -> int | None:
        own = self._limits.span_value_length
        return self._limits.value_length if own is None else own

    def _keep(self, cleaned: BoundedAttributes) -> None:
        # In a dict and not in one of OpenTelemetry's, whose own lock is not reentrant.
        self._dropped["attributes"] += cleaned.dropped
        for key, value in cleaned.items():
            self._attributes.pop(key, None)
            self._attributes[key] = value
            if len(self._attributes) > self._limits.attributes:
                del self._attributes[next(iter(self._attributes))]
                self._dropped["attributes"] += 1

    @_unless_ended
    def _add_event(self, event: Record) -> None:
        self._dropped["events"] += len(self._events) == self._limits.events
        self._events.append(event)

    @_unless_ended
    def _add_link(self, link: Record) -> None:
        self._dropped["links"] += len(self._links) == self._limits.links
        self._links.append(link)

    def _described(self, attributes: Attributes, most: int) -> Record:
        if not attributes:
            return {}
        kept = BoundedAttributes(most, attributes, max_value_len=self._limits.value_length)
        found: Record = {"attributes": dict(kept), "dropped": kept.dropped}
        return {key: value for key, value in found.items() if value}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self.is_recording():
            self.record_exception(error, escaped=True)
            self.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        super().__exit__(kind, error, trace)


def _reference(context: SpanContext) -> Record:
    """What a link points to. Source: W3C Trace Context."""
    ids: dict[str, Any] = {
        "traceparent": f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}",
        "tracestate": context.trace_state.to_header(),
        "remote": context.is_remote,
    }
    return {key: value for key, value in ids.items() if value}


def _described_status(status: Status) -> Record:
    described = {"code": status.status_code.name, "description": status.description}
    return {key: value for key, value in described.items() if value}
