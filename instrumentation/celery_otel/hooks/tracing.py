"""The span of an attempt as Celery's requests live it: who it is, what the message says, and what ended it."""

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Protocol

from celery_otel import attributes
from celery_otel.core.attempt import Attempt
from celery_otel.core.labels import MAX_LENGTH
from celery_otel.core.outcome import Outcome, Status
from celery_otel.core.span import TRACEPARENT_FORM, Attributes, Raised, SpanIdentity, SpanLink
from celery_otel.hooks import report, stack
from celery_otel.message_headers import CONTENT, COUNTED, SHOWN
from celery_otel.span_attributes import CONTENT_LENGTH
from celery_otel.stamps import LINKS, PREVIOUS, TRACEPARENT, TRACESTATE

UNKNOWN_TASK = "unknown_task"
"""Stands for a task that is not registered here: on a span's name, where a name from the network must not be."""

Shape = Callable[[str, str], tuple[str, Attributes]]


class Identities(Protocol):
    """Decides who a span is."""

    def passed_on(self, headers: Mapping[str, Any]) -> str | None:
        """The message's traceparent, if it decides that there is no span; None if that is still to be decided."""

    def make(
        self,
        headers: Mapping[str, Any],
        about: Callable[[], tuple[str, Attributes]],
        *,
        links: tuple[SpanLink, ...] = (),
    ) -> SpanIdentity:
        """The identity of a new span, of which `about` tells the name and the attributes, for those who ask."""


class Recorder(Protocol):
    """Makes the spans of attempts that end.

    Attributes:
        post: Called first, to have those ends noted that are only written down.
        prepare: Called before spans are made.
    """

    post: Callable[[], None]
    prepare: Callable[[], object]

    def ended(self, attempt: Attempt, outcome: Outcome, at: float) -> None:
        """Notes an end."""

    def collect(self) -> None:
        """Reads what children have sent."""

    def complete_many(self) -> None:
        """Makes the spans that are due, if they are many; those that are few are made at the next export."""


class AttemptTracing:
    """Gives attempts their spans.

    Args:
        identities: Decides who a span is.
        shape: Gives the name and the constant attributes of the spans of a task and queue.
        recorder: Makes the spans of what has ended.
        describe: Reads the headers of an attempt.
        content: Whether arguments, results and messages of exceptions may stand on spans.
        children: Whether child processes run the attempts.

    Attributes:
        content: The same.
        children: The same.
        headers: The names of the headers that an attempt keeps.
        collects: Whether what children have sent is read at each end, because no event loop reads it as it comes.
    """

    def __init__(
        self,
        identities: Identities,
        shape: Shape,
        recorder: Recorder,
        describe: Callable[[Attempt], None],
        *,
        content: bool = False,
        children: bool = False,
    ) -> None:
        self._identities = identities
        self._shape = shape
        self.content = content
        self.headers = (*COUNTED, *SHOWN, *CONTENT) if content else (*COUNTED, *SHOWN)
        self.children = children
        self._recorder = recorder
        self._describe = describe
        self.collects = True

    def collect(self) -> None:
        """Reads what children have sent."""
        self._recorder.collect()

    def complete_many(self) -> None:
        """Makes the spans that are due, if they are many."""
        if self.collects:
            self._recorder.collect()
        self._recorder.complete_many()

    def received(self, attempt: Attempt, headers: MutableMapping[str, Any]) -> None:
        """Decides who the attempt's span is, if it may have one, and stamps it into the request for the child to find.

        Args:
            attempt: The attempt.
            headers: The request's dictionary, which goes to the child.
        """
        headers.pop(TRACESTATE, None)
        passed_on = self._identities.passed_on(headers)
        # A string, and always overwritten: a retry's message may carry the stamp of the attempt before.
        headers[TRACEPARENT] = self._identify(attempt, headers) if passed_on is None else passed_on

    def _identify(self, attempt: Attempt, headers: MutableMapping[str, Any]) -> str:
        """The traceparent of a span of its own."""

        def about() -> tuple[str, Attributes]:
            self._describe(attempt)
            return self._shape(attempt.task, attempt.queue)

        attempt.span = span = self._identities.make(headers, about, links=_links(headers))
        if span.trace_state:
            headers[TRACESTATE] = span.trace_state
        return span.traceparent

    def reported(self, request: Any, attempt: Attempt, result: Any) -> None:
        """Keeps what the pool's report says of the end."""
        if attempt.span is None or not attempt.span.sampled:
            return
        info = result[1] if isinstance(result, tuple) else result
        if isinstance(result, tuple) and not result[0]:
            if self.content and info is not None:
                # The child sends no result, but Celery's representation of it.
                attempt.attributes = {attributes.TASK_RESULT: _text(info)}
            return
        self.failed(request, attempt, info)

    def failed(self, request: Any, attempt: Attempt, info: Any) -> None:
        """Keeps the exception that ended it, where that is one of the task's own."""
        if attempt.span is None or not attempt.span.sampled or not report.is_raised(info):
            return
        error = report.unwrap(info.exception)
        trace = getattr(info, "traceback", "") or ""
        attempt.raised = Raised(
            report.full_name(error),
            str(trace) if self.content else stack.without_messages(str(trace)),
            _text(error) if self.content else "",
            expected=isinstance(error, tuple(request.task.throws or ())),
        )

    def unknown(self, message: Any, name: str, task_id: str, now: float) -> None:
        """Makes the short span of a message for a task that is not registered here; it is counted elsewhere.

        Args:
            message: The message.
            name: The name of the task, which comes from the network.
            task_id: Its id.
            now: The Unix time in seconds.
        """
        attempt = Attempt.described(UNKNOWN_TASK, UNKNOWN_TASK, (task_id, "0", "0"), now)
        headers = message.headers or {}
        attempt.span = self._identities.make(headers, lambda: self._shape(UNKNOWN_TASK, UNKNOWN_TASK))
        attempt.attributes = {attributes.TASK_NAME: name[:MAX_LENGTH]}
        self._recorder.ended(attempt, Outcome(Status.FAILURE, detail=UNKNOWN_TASK), now)
        self.complete_many()


def _links(headers: Mapping[str, Any]) -> tuple[SpanLink, ...]:
    attempt, others = headers.get(PREVIOUS), headers.get(LINKS)
    if attempt is None and others is None:
        return ()
    previous = _link(attempt, "previous attempt")
    texts = others.split(",")[:128] if isinstance(others, str) else []
    found = [previous, *(_link(text, "header") for text in texts)]
    return tuple(link for link in found if link is not None)


def _link(traceparent: Any, meaning: str) -> SpanLink | None:
    found = TRACEPARENT_FORM.fullmatch(traceparent) if isinstance(traceparent, str) else None
    return None if found is None else SpanLink(int(found[1], 16), int(found[2], 16), {attributes.LINK: meaning})


def _text(value: Any) -> str:
    try:
        return str(value)[:CONTENT_LENGTH]
    except Exception as error:  # noqa: BLE001  # a user's exception, whose str may raise anything
        return f"<str failed: {type(error).__name__}>"
