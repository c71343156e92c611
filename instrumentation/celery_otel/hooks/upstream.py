"""Keeps the upstream instrumentation of Celery silent as long as ours is there: never two spans for one thing.

Whichever is loaded first: what it has connected is disconnected, and what it connects later too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import signals
from opentelemetry.instrumentation.celery import CeleryInstrumentor

from celery_otel.hooks.installed import Shared, patched

_CONNECTIONS = (
    (signals.task_prerun, "_trace_prerun"),
    (signals.task_postrun, "_trace_postrun"),
    (signals.before_task_publish, "_trace_before_publish"),
    (signals.after_task_publish, "_trace_after_publish"),
    (signals.task_failure, "_trace_failure"),
    (signals.task_retry, "_trace_retry"),
)


@contextmanager
def _silenced() -> Iterator[None]:
    upstream: Any = CeleryInstrumentor()
    instrument = CeleryInstrumentor._instrument  # noqa: SLF001  # what a subclass redefines: protected, not private

    def instrument_silently(self: Any, **kwargs: Any) -> None:
        instrument(self, **kwargs)
        _disconnect(self)

    with patched(CeleryInstrumentor, "_instrument", instrument_silently):
        if upstream.is_instrumented_by_opentelemetry:
            _disconnect(upstream)
        try:
            yield
        finally:
            if upstream.is_instrumented_by_opentelemetry:
                _connect(upstream)


def _disconnect(upstream: Any) -> None:
    for signal, handler in _CONNECTIONS:
        signal.disconnect(getattr(upstream, handler))


def _connect(upstream: Any) -> None:
    for signal, handler in _CONNECTIONS:
        signal.connect(getattr(upstream, handler), weak=False)


UPSTREAM_SILENCE = Shared(_silenced)
"""Needed by every instrumented application."""
