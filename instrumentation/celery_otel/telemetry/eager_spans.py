"""The spans of eager tasks: those that run where they are called, without a broker or a worker."""

from opentelemetry import context as otel
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context

from celery_otel import attributes
from celery_otel.core.labels import MAX_LENGTH
from celery_otel.telemetry.exception_event import NAME, exception_attributes


class EagerSpan:
    """A span that is open, and current, while an eager task runs.

    Args:
        tracer: Makes it.
        task: The task's name.
        task_id: The task's id.
        retries: How often it has been retried before.
        content: Whether what exceptions say may be told.
    """

    def __init__(self, tracer: Tracer, task: str, task_id: str, retries: int, *, content: bool) -> None:
        self._content = content
        self._span = tracer.start_span(
            f"process {task[:MAX_LENGTH]}",
            kind=SpanKind.INTERNAL,
            attributes={
                attributes.TASK_NAME: task[:MAX_LENGTH],
                attributes.UPSTREAM_TASK_NAME: task[:MAX_LENGTH],
                attributes.MESSAGE_ID: task_id[:MAX_LENGTH],
                attributes.TASK_RETRIES: retries,
            },
        )
        self._token = otel.attach(set_span_in_context(self._span))

    def end(self, state: str, error: BaseException | None = None, *, expected: bool = False) -> None:
        """The task has ended; what was current before is current again.

        Args:
            state: Celery's word for how it ended.
            error: The exception that ended it, if that was a failure.
            expected: The task lists it in `throws`: a failure that is no error.
        """
        otel.detach(self._token)
        self._span.set_attributes({attributes.TASK_STATE: state, attributes.UPSTREAM_STATE: state})
        if error is not None:
            self._span.add_event(NAME, exception_attributes(error, content=self._content))
            if not expected:
                self._span.set_attribute(attributes.ERROR_TYPE, type(error).__name__)
                self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class EagerSpans:
    """Opens the spans of eager tasks.

    Args:
        tracer: Makes them.
        content: Whether what exceptions say may be told.
    """

    def __init__(self, tracer: Tracer, *, content: bool) -> None:
        self._tracer = tracer
        self._content = content

    def open(self, task: str, task_id: str, retries: int) -> EagerSpan:
        """Begins a span and makes it the current one."""
        return EagerSpan(self._tracer, task, task_id, retries, content=self._content)
