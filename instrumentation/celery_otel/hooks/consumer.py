"""Watches a consumer of Celery: its heart, the loss of its connection, and messages that never become requests."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from celery.exceptions import InvalidTaskError
from kombu.exceptions import ContentDisallowed

from celery_otel.core.attempt import Attempt
from celery_otel.core.ledger import Ledger
from celery_otel.core.outcome import ReturnCause
from celery_otel.hooks.attempts import AttemptHooks
from celery_otel.hooks.request import discards

HEARTBEAT = 5.0
"""Seconds between two heartbeats of MAIN."""


class ConsumerWatch:
    """Watches one consumer of Celery.

    Args:
        consumer: Celery's consumer.
        ledger: Where attempts are given back when the connection is lost.
        hooks: Where messages that are no tasks are counted.
        beat: Called by the consumer's timer.
        connected: Called with the consumer at each connection, whose event loop begins anew.
    """

    def __init__(
        self,
        consumer: Any,
        ledger: Ledger,
        hooks: AttemptHooks,
        beat: Callable[[], None],
        connected: Callable[[Any], None] = lambda _: None,
    ) -> None:
        self._consumer = consumer
        self._ledger = ledger
        self._hooks = hooks
        self._beat = beat
        self._connected = connected
        self._timer_entry: Any = None
        # On the instance: Celery looks both up there when a connection breaks or a body cannot be decoded.
        consumer.on_close = self._wrap(consumer.on_close, self._lose_connection)
        consumer.on_decode_error = self._wrap(consumer.on_decode_error, self._invalid)

    def start(self) -> None:
        """A connection is there: the heart beats on the consumer's timer."""
        self.stop()
        self._beat()
        self._timer_entry = self._consumer.timer.call_repeatedly(HEARTBEAT, self._beat)
        with self._hooks.failures.taken("connected"):
            self._connected(self._consumer)

    def stop(self) -> None:
        """The connection is gone."""
        entry, self._timer_entry = self._timer_entry, None
        if entry is not None:
            entry.cancel()

    def release(self) -> None:
        """Leaves the consumer as it was."""
        self.stop()
        for name in ("on_close", "on_decode_error"):
            self._consumer.__dict__.pop(name, None)

    @staticmethod
    def _wrap(original: Callable[..., Any], around: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return around(original, *args, **kwargs)

        return wrapper

    def _invalid(self, original: Callable[..., Any], *args: Any) -> Any:
        with self._hooks.failures.taken("undecodable"):
            self._hooks.invalid("undecodable")
        return original(*args)

    def _lose_connection(self, original: Callable[..., Any]) -> Any:
        before, self._ledger.silent_cause = self._ledger.silent_cause, ReturnCause.CONNECTION_LOST
        try:
            return original()
        finally:
            # The broker delivers what was held again. Celery drops its own copies, except those that its pool keeps.
            with self._hooks.failures.taken("connection_lost"):
                self._ledger.give_back(ReturnCause.CONNECTION_LOST, spare=self._goes_on)
            self._ledger.silent_cause = before

    def _goes_on(self, attempt: Attempt) -> bool:
        if attempt.accepted:
            return True
        return attempt.handed_over and not discards(self._consumer.pool)


def invalid_reason(error: Exception | None) -> str:
    """Why a message is no task, from the exception that the signal `task_rejected` brings."""
    if error is None:
        return "unknown_format"
    if isinstance(error, ContentDisallowed):
        return "content_disallowed"
    return "invalid" if isinstance(error, InvalidTaskError) else "undecodable"
