"""Where a run is told: in a worker on the task's span and to MAIN, elsewhere on a span of its own.

A task's span shows all runs of the task: what several of them say under one name is what the last has said, and each
that ends leaves an event with all of its figures. Their number is bounded, so that no search pushes out what the task
itself has put on its span.
"""

from collections.abc import Callable, Mapping
from contextvars import Token
from itertools import count
from typing import Protocol

from opentelemetry import context as otel
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from celery_otel import attributes
from celery_otel.core.run import RunRecord
from celery_otel.telemetry.exception_event import NAME, exception_attributes
from celery_otel.told_values import AttributeValue
from celery_otel.workplace import Workplace

ROOM = 120
"""Events that runs put on one span; OpenTelemetry's limit is 128, and what is above pushes out the oldest."""
Attributes = Mapping[str, AttributeValue]
_TALLY = "_celery_otel_tally"
"""Where a span keeps its tally."""


class Tally:
    """How much runs have put on one span. Without a lock, which a process could be forked with."""

    def __init__(self) -> None:
        self._runs = {"training": count(1), "tuning": count(1)}
        self._events = count()

    def begun(self, kind: str) -> int:
        """How many runs of a kind there are, with one that begins now."""
        return next(self._runs[kind])

    def has_room(self) -> bool:
        """Whether one more event has room; it is then taken."""
        return next(self._events) < ROOM


def tally_of(span: Span) -> Tally:
    """The tally of a span, which lives as long as the span does."""
    # A span of another make may have no room for it.
    tally: Tally = getattr(span, "__dict__", {}).setdefault(_TALLY, Tally())
    return tally


class Place(Protocol):
    """Where one run is told."""

    def begin(self, run: RunRecord, told: Attributes) -> None:
        """The run begins."""

    def set(self, told: Attributes) -> None:
        """Sets attributes."""

    def add_event(self, name: str, told: Attributes, *, always: bool = False) -> None:
        """Adds an event, if the span has room for it, or always."""

    def progress(self, run: RunRecord, told: Attributes) -> None:
        """The run goes on: what may be lost."""

    def end(self, run: RunRecord, error: BaseException | None) -> None:
        """The run has ended. To be said again if something came in between."""


class Nowhere:
    """Where a run is told that has not begun, or whose place could not be found."""

    def begin(self, run: RunRecord, told: Attributes) -> None:
        """Nothing."""

    def set(self, told: Attributes) -> None:
        """Nothing."""

    def add_event(self, name: str, told: Attributes, *, always: bool = False) -> None:
        """Nothing."""

    def progress(self, run: RunRecord, told: Attributes) -> None:
        """Nothing."""

    def end(self, run: RunRecord, error: BaseException | None) -> None:
        """Nothing."""


class TaskPlace:
    """A task of a worker.

    Args:
        workplace: The task.
    """

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._span = workplace.span

    def begin(self, run: RunRecord, told: Attributes) -> None:
        """Sends at once what is known: the process may be killed, and with it what is set on the span."""
        if self._span is not None:
            told = {**told, RUNS[run.kind]: tally_of(self._span).begun(run.kind)}
        self.set(told)
        self._workplace.send({"attributes": dict(told), "run": run.told()})

    def set(self, told: Attributes) -> None:
        """On the task's span, as long as the task runs."""
        if self._span is not None and self._span.is_recording():
            self._span.set_attributes(told)

    def add_event(self, name: str, told: Attributes, *, always: bool = False) -> None:
        """On the task's span, as long as the task runs."""
        if self._span is None or not self._span.is_recording():
            return
        if tally_of(self._span).has_room() or always:
            self._span.add_event(name, told)

    def progress(self, run: RunRecord, told: Attributes) -> None:
        """To MAIN, if there is room right now."""
        self.set(told)
        self._workplace.send({"attributes": dict(told), "run": run.told()}, patient=False)

    def end(self, run: RunRecord, error: BaseException | None) -> None:  # noqa: ARG002  # as every place
        """To MAIN. What the error says is told by the task itself."""
        self._workplace.send({"run": run.told()})


class OwnSpan:
    """A script, a notebook, a task that is called eagerly: a span of the run's own, which is current while it lasts.

    Args:
        tracer: Makes it.
        content: Tells whether what exceptions say may be told.
    """

    def __init__(self, tracer: Tracer, content: Callable[[], bool]) -> None:
        self._tracer = tracer
        self._content = content
        self._span: Span | None = None
        self._token: Token[Context] | None = None

    def begin(self, run: RunRecord, told: Attributes) -> None:
        """Begins the span."""
        self._span = self._tracer.start_span(f"{run.kind} {run.label}", attributes={**told, RUNS[run.kind]: 1})
        self._token = otel.attach(set_span_in_context(self._span))

    def set(self, told: Attributes) -> None:
        """On the span."""
        if self._span is not None:
            self._span.set_attributes(told)

    def add_event(self, name: str, told: Attributes, *, always: bool = False) -> None:
        """On the span."""
        if self._span is not None and (tally_of(self._span).has_room() or always):
            self._span.add_event(name, told)

    def progress(self, run: RunRecord, told: Attributes) -> None:  # noqa: ARG002  # as every place
        """On the span: nobody counts it here."""
        self.set(told)

    def end(self, run: RunRecord, error: BaseException | None) -> None:  # noqa: ARG002  # as every place
        """Ends the span; what was current before is current again."""
        if self._token is not None:
            token, self._token = self._token, None
            otel.detach(token)
        if self._span is not None and self._span.is_recording():
            self._tell_of(error)
            self._span.end()

    def _tell_of(self, error: BaseException | None) -> None:
        if self._span is None or error is None:
            return
        self._span.set_attribute(attributes.ERROR_TYPE, type(error).__name__)
        self._span.add_event(NAME, exception_attributes(error, content=self._content()))
        self._span.set_status(Status(StatusCode.ERROR))


RUNS = {"training": attributes.TRAINING_RUNS, "tuning": attributes.TUNING_RUNS}
"""The attribute with the number of runs, by their kind."""
