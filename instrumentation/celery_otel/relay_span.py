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
from functools import wraps
from logging import getLogger
from types import TracebackType
from typing import Any, Concatenate, ParamSpec

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, Status, StatusCode
from opentelemetry.util.types import AnyValue, Attributes

from celery_otel.relay_record import Record
from celery_otel.span_limits import DEFAULT_LIMITS, SpanLimits

logger = getLogger("celery_otel")

P = ParamSpec("P")
Setter = Callable[Concatenate["RelaySpan", P], None]


class _Kept:
    """What was set on a span."""

    def __init__(self, limits: SpanLimits) -> None:
        self.name: str | None = None
        self.status: Status | None = None
        self.attributes: dict[str, AnyValue] = {}
        self.events: deque[Record] = deque(maxlen=limits.events)
        self.links: deque[Record] = deque(maxlen=limits.links)
        self.dropped = {"attributes": 0, "events": 0, "links": 0}

    def said(self) -> Record:
        """The record of it."""
        said = {
            "name": self.name,
            "attributes": self.attributes,
            "events": list(self.events),
            "links": list(self.links),
            "status": _described_status(self.status) if self.status is not None else None,
            "dropped": {key: number for key, number in self.dropped.items() if number},
        }
        return {key: value for key, value in said.items() if value}


def _unless_ended(method: Callable[Concatenate["RelaySpan", _Kept, P], None]) -> Setter[P]:
    @wraps(method)
    def setter(self: "RelaySpan", /, *args: P.args, **kwargs: P.kwargs) -> None:
        with self._lock:
            if self.is_recording():
                self._kept = self._kept or _Kept(self._limits)
                method(self, self._kept, *args, **kwargs)
                return
        logger.warning("%s was called on the span of a task that has ended: it has no effect.", method.__name__)

    return setter


class RelaySpan(Span):
    """The current span of one attempt that is sampled, from the beginning of its task to the end.

    It is made for every task, and most of them set nothing: what it keeps is made for those that do.

    Args:
        own: Gives the ids of the attempt's own span, as MAIN decided them.
        limits: How much it holds.
        now: Gives the Unix time in nanoseconds.
    """

    __slots__ = (
        "_ended",
        "_kept",
        "_limits",
        "_lock",
        "_now",
        "_own",
    )

    def __init__(
        self,
        own: Callable[[], SpanContext],
        limits: SpanLimits = DEFAULT_LIMITS,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._own = own
        self._limits = limits
        self._now = now
        # Reentrant, for handlers of signals and finalizers that use the span while it is being used.
        self._lock = threading.RLock()
        self._ended = False
        self._kept: _Kept | None = None

    def get_span_context(self) -> SpanContext:
        """The ids of the attempt's own span."""
        return self._own()

    def is_recording(self) -> bool:
        """Whether what is set is kept: until the task has ended."""
        return not self._ended

    def end(self, end_time: int | None = None) -> None:
        """Does nothing: the attempt ends when its task does."""

    @_unless_ended
    def set_attribute(self, kept: _Kept, key: str, value: AnyValue) -> None:
        """Sets an attribute. A key that is no text is dropped, with a warning."""
        cleaned = BoundedAttributes(immutable=False, max_value_len=self._longest())
        cleaned[key] = value
        self._keep(kept, cleaned)

    @_unless_ended
    def set_attributes(self, kept: _Kept, attributes: Mapping[str, AnyValue]) -> None:
        """Sets several attributes."""
        self._keep(kept, BoundedAttributes(attributes=attributes, max_value_len=self._longest()))

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
    def update_name(self, kept: _Kept, name: str) -> None:
        """Names the span."""
        kept.name = name

    @_unless_ended
    def set_status(self, kept: _Kept, status: Status | StatusCode, description: str | None = None) -> None:
        """Sets the status: OK is final, UNSET changes nothing."""
        code = getattr(status, "status_code", status)
        final = kept.status is not None and kept.status.status_code is StatusCode.OK
        if final or code not in (StatusCode.OK, StatusCode.ERROR):
            return
        if isinstance(status, StatusCode):
            kept.status = Status(status, description)
            return
        if description is not None:
            logger.warning("Description %s ignored: it is part of a Status.", description)
        kept.status = status

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
            if self._kept is None:
                return None
            said = self._kept.said()
        return {"span": f"{self._own().span_id:016x}", **said} if said else None

    def _longest(self) -> int | None:
        own = self._limits.span_value_length
        return self._limits.value_length if own is None else own

    def _keep(self, kept: _Kept, cleaned: BoundedAttributes) -> None:
        # In a dict and not in one of OpenTelemetry's, whose own lock is not reentrant.
        kept.dropped["attributes"] += cleaned.dropped
        for key, value in cleaned.items():
            kept.attributes.pop(key, None)
            kept.attributes[key] = value
            if len(kept.attributes) > self._limits.attributes:
                del kept.attributes[next(iter(kept.attributes))]
                kept.dropped["attributes"] += 1

    @_unless_ended
    def _add_event(self, kept: _Kept, event: Record) -> None:
        kept.dropped["events"] += len(kept.events) == self._limits.events
        kept.events.append(event)

    @_unless_ended
    def _add_link(self, kept: _Kept, link: Record) -> None:
        kept.dropped["links"] += len(kept.links) == self._limits.links
        kept.links.append(link)

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


class UnsampledSpan(NonRecordingSpan):
    """The current span of one attempt that is not sampled: it has its ids and keeps nothing.

    Args:
        own: Gives the ids of the attempt's own span.
    """

    def __init__(self, own: Callable[[], SpanContext]) -> None:
        # Without OpenTelemetry's own, which wants the context at once.
        self._own = own

    def get_span_context(self) -> SpanContext:
        """The ids of the attempt's own span."""
        return self._own()

    def __repr__(self) -> str:
        return f"UnsampledSpan({self._own()!r})"


def traceparent(context: SpanContext) -> str:
    """A span as a header names it. Source: W3C Trace Context."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _reference(context: SpanContext) -> Record:
    """What a link points to. Source: W3C Trace Context."""
    ids: dict[str, Any] = {
        "traceparent": traceparent(context),
        "tracestate": context.trace_state.to_header(),
        "remote": context.is_remote,
    }
    return {key: value for key, value in ids.items() if value}


def _described_status(status: Status) -> Record:
    described = {"code": status.status_code.name, "description": status.description}
    return {key: value for key, value in described.items() if value}
