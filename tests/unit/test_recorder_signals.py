"""Spans are made of what ends inside a signal handler, too."""

import threading

from celery_otel.core.attempt import Attempt
from celery_otel.core.outcome import SUCCESS
from celery_otel.core.span import FinishedSpan, SpanIdentity
from celery_otel.recorder import SpanRecorder


def attempt(number: int) -> Attempt:
    """A started attempt whose span is recorded."""
    made = Attempt.described("shop.order", "celery", (f"id-{number}", "0", "0"), 1000.0)
    made.started_at = 1001.0
    made.span = SpanIdentity(1, number)
    return made


def test_what_ends_in_a_signal_handler_has_its_span() -> None:
    """A handler that interrupts the recorder and ends another attempt does not wait for it; both have their span."""
    later = [attempt(2)]
    spans: list[int] = []

    def emit(span: FinishedSpan) -> None:
        # Where a signal handler may run: Celery's, at a cold shutdown, ends what is running.
        while later:
            recorder.ended(later.pop(), SUCCESS, 1002.0)
            recorder.complete()
        spans.append(span.identity.span_id)

    recorder = SpanRecorder(emit, drain=list)
    recorder.ended(attempt(1), SUCCESS, 1002.0)
    thread = threading.Thread(target=recorder.complete, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), "it waits for itself"
    assert [1, 2] == spans
