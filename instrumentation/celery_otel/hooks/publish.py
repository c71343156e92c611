"""The publish side of Celery: a span around every publish, and what the message carries to the worker.

Every publish, of `apply_async`, a canvas, a retry or beat, goes through the application's `send_task`. A span that
begins and ends there sees also what goes wrong before and after Celery's signals, and always ends.
"""

import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Protocol, Self

import celery
from celery import signals
from celery.app import amqp
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.trace import TracerProvider

from celery_otel.core.publication import Broker, Publication
from celery_otel.failures import FailureLog, HookFailures
from celery_otel.hooks.broker import broker_of
from celery_otel.hooks.chords import link_body, watched
from celery_otel.hooks.installed import Shared, connected, overridden, patched
from celery_otel.hooks.publication import body_size, chord_of, of_call, of_signal
from celery_otel.settings import Settings
from celery_otel.stamps import CHORD, PREVIOUS, PUBLISHED_AT, TRACEPARENT, TRACESTATE


class OpenSpan(Protocol):
    """A span that is current while a message is published."""

    def retried(self, error: BaseException) -> None:
        """Publishing failed and is going to be tried again."""

    def failed(self, error: BaseException) -> None:
        """Publishing failed for good."""

    def end(self) -> None:
        """Publishing is over."""


class Spans(Protocol):
    """Makes the spans, and tells messages of them."""

    def open(self, publication: Publication, start: int, attempt: tuple[str, str] | None = None) -> OpenSpan:
        """Begins a span, at a time in nanoseconds; for a retry the attempt is traceparent and tracestate."""

    def draw(self, task_id: str, task: str) -> str:
        """Which span will publish a task, as a W3C traceparent; empty if that cannot be said."""

    def inject(self, headers: MutableMapping[str, Any]) -> None:
        """Puts the current span into a message."""

    def current(self) -> str:
        """The current span as a W3C traceparent; empty if there is none."""


POLICY_IN_SIGNAL = celery.VERSION >= (5, 7)
"""Whether the signal brings the retry policy that will be used, as Celery 5.7 does; before, it brings the caller's."""


class Publishing:
    """One call of `send_task`.

    Args:
        app: Whose call it is.
        task: The task's name.
        options: The call's arguments.
        start: When it was called, in nanoseconds since the epoch.
    """

    __slots__ = ("app", "errback", "options", "span", "start", "task")

    def __init__(self, app: Any, task: str, options: Mapping[str, Any], start: int) -> None:
        self.app = app
        self.task = task
        self.options = options
        self.start = start
        self.span: OpenSpan | None = None
        self.errback: Callable[[BaseException, float], None] | None = None
        """The user's own, from their retry policy."""


_CURRENT: ContextVar[Publishing | None] = ContextVar("celery_otel_publishing", default=None)


def on_retry(error: BaseException, interval: float) -> None:
    """Kombu's errback: publishing failed and is going to be tried again.

    One function for all publishes, since kombu keeps it in the connection's options after the publish that brought it.
    """
    publishing = _CURRENT.get()
    if publishing is None:
        return
    if publishing.span is not None:
        publishing.span.retried(error)
    if publishing.errback is not None:
        publishing.errback(error, interval)


@contextmanager
def _callback_retries() -> Iterator[None]:
    """Sees what Celery 5.7 tries again by itself: a callback's publish, whose task has run already."""
    original = getattr(amqp, "retry_over_time", None)
    if original is None:
        yield
        return

    @wraps(original)
    def retry_over_time(*args: Any, errback: Callable[..., Any], **kwargs: Any) -> Any:
        def noticed(error: BaseException, *more: Any) -> Any:
            on_retry(error, 0.0)
            return errback(error, *more)

        return original(*args, errback=noticed, **kwargs)

    with patched(amqp, "retry_over_time", retry_over_time):
        yield


CALLBACK_RETRIES = Shared(_callback_retries)


class PublishInstrumentor(CeleryInstrumentor):
    """Upstream's instrumentor for one application: its publish side corrected, its consumer side left out.

    Args:
        app: The application.
        settings: The options.
        spans: Gives what makes the spans of a tracer provider; None stands for the global one.
        wall: Gives the Unix time in seconds.
    """

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """One for each application: upstream has one for all."""
        return object.__new__(cls)

    def __init__(
        self,
        app: Any,
        settings: Settings,
        spans: Callable[[TracerProvider | None], Spans],
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._app = app
        self._settings = settings
        self._spans_of = spans
        self._wall = wall
        self._stack = ExitStack()
        self._active = False
        self._own_broker: Broker | None = None
        # Nobody exports metrics where tasks are only published: the log is all there is.
        self._failures = HookFailures(lambda _: None, FailureLog())

    def _instrument(self, **kwargs: Any) -> None:
        self._spans = self._spans_of(kwargs.get("tracer_provider"))
        self._active = True
        enter = self._stack.enter_context
        enter(CALLBACK_RETRIES.used())
        enter(watched(self._chord_frozen))
        enter(overridden(self._app, "send_task", self._sending()))
        enter(connected(signals.before_task_publish, self._before_publish))

    def _uninstrument(self, **_: Any) -> None:
        # Signatures keep the method that they have found once.
        self._active = False
        self._stack.close()

    def _sending(self) -> Callable[..., Any]:
        inner = vars(self._app).get("send_task")

        # By its class at the time of the call: others patch that.
        @wraps(self._app.send_task)
        def send_task(*args: Any, **options: Any) -> Any:
            send = inner or self._app.__class__.send_task.__get__(self._app)
            if not self._active:
                return send(*args, **options)
            name = str(args[0] if args else options.get("name"))
            publishing = Publishing(self._app, name, options, int(self._wall() * 1e9))
            if not POLICY_IN_SIGNAL:
                options["retry_policy"] = _noticed(publishing, options.get("retry_policy") or {})
            token = _CURRENT.set(publishing)
            try:
                return send(*args, **options)
            except BaseException as error:
                self._fail(publishing, error)
                raise
            finally:
                _CURRENT.reset(token)
                self._end(publishing)

        return send_task

    def _before_publish(
        self,
        sender: str = "",
        headers: MutableMapping[str, Any] | None = None,
        retry_policy: MutableMapping[str, Any] | None = None,
        **signal: Any,
    ) -> None:
        """Celery knows where the message goes, and is about to send it."""
        publishing = _CURRENT.get()
        with self._failures.taken("publish"):
            if publishing is None and headers is not None:
                # Of an application that is not instrumented: it gets what needs no span.
                self._stamp(headers, signal.get("body"))
            elif publishing is not None and publishing.app is self._app and publishing.span is None:
                self._begin(publishing, sender, {} if headers is None else headers, signal)
                if POLICY_IN_SIGNAL and retry_policy is not None:
                    retry_policy.update(_noticed(publishing, retry_policy))

    def _begin(
        self, publishing: Publishing, task: str, headers: MutableMapping[str, Any], signal: Mapping[str, Any]
    ) -> None:
        attempt = self._stamp(headers, signal["body"])
        size = self._size(publishing, signal["body"]) if self._settings.capture_message_size else None
        publication = of_signal(self._broker(publishing.options), task, {**signal, "headers": headers}, size)
        publishing.span = self._spans.open(publication, publishing.start, attempt)
        self._spans.inject(headers)

    def _stamp(self, headers: MutableMapping[str, Any], body: Any) -> tuple[str, str] | None:
        """Stamps time and chord, and for a retry the attempt before, whose traceparent and tracestate it gives back."""
        own, state = headers.pop(TRACEPARENT, None), headers.pop(TRACESTATE, None)
        headers.pop(PREVIOUS, None)
        headers.pop(CHORD, None)
        headers[PUBLISHED_AT] = f"{self._wall():.6f}"
        if chord := chord_of(body):
            headers[CHORD] = chord
        if not headers.get("retries"):
            return None
        attempt = own if isinstance(own, str) else self._current_attempt(headers)
        if not attempt:
            return None
        headers[PREVIOUS] = attempt
        return attempt, str(state or "")

    def _current_attempt(self, headers: Mapping[str, Any]) -> str:
        """The current span, if the message is a retry of the task that is running here."""
        task = self._app.current_worker_task
        return self._spans.current() if task and task.request.id == headers.get("id") else ""

    def _chord_frozen(self, headers: Any, results: Any, body: Any) -> None:
        """A chord is about to be published."""
        with self._failures.taken("publish"):
            if headers.app == self._app:
                link_body(headers, results, body, self._spans.draw)

    def _fail(self, publishing: Publishing, error: BaseException) -> None:
        with self._failures.taken("publish"):
            if publishing.span is None:
                publication = of_call(self._broker(publishing.options), publishing.task, publishing.options)
                publishing.span = self._spans.open(publication, publishing.start)
            publishing.span.failed(error)

    def _end(self, publishing: Publishing) -> None:
        with self._failures.taken("publish"):
            if publishing.span is not None:
                publishing.span.end()

    def _broker(self, options: Mapping[str, Any]) -> Broker:
        producer = options.get("producer") or options.get("publisher")
        # The attribute, not the property of that name without underscores, which may connect.
        connection = options.get("connection") or getattr(producer, "__connection__", None)
        if connection is not None:
            return broker_of(connection)
        if self._own_broker is None:
            # Asked once, as Celery does, which keeps its connections: looking it up costs more than all the rest.
            self._own_broker = broker_of(self._app.connection_for_write())
        return self._own_broker

    def _size(self, publishing: Publishing, body: Any) -> int:
        return body_size(body, publishing.options.get("serializer") or self._app.conf.task_serializer)


def _noticed(publishing: Publishing, policy: Mapping[str, Any]) -> dict[str, Any]:
    """A retry policy that tells us too of each new try."""
    errback = policy.get("errback")
    publishing.errback = None if errback is on_retry else errback
    return {**policy, "errback": on_retry}
