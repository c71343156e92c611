"""Ids of spans that are drawn before the spans begin, so that others can already point to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.sdk.trace.id_generator import IdGenerator

Ids = tuple[int, int]
"""The ids of a trace and of a span in it."""


class DrawnIds(IdGenerator):
    """Gives the next span the ids that were drawn for it, and every other one new ids.

    Args:
        inner: Draws ids.
    """

    def __init__(self, inner: IdGenerator) -> None:
        self._inner = inner
        self._next: ContextVar[Ids | None] = ContextVar("celery_otel_next_ids", default=None)

    @contextmanager
    def used(self, ids: Ids | None) -> Iterator[None]:
        """The span that begins inside has these ids."""
        token = self._next.set(ids)
        try:
            yield
        finally:
            self._next.reset(token)

    def generate_trace_id(self) -> int:
        """The id of a new trace."""
        ids = self._next.get()
        return self._inner.generate_trace_id() if ids is None else ids[0]

    def generate_span_id(self) -> int:
        """The id of a new span."""
        ids = self._next.get()
        return self._inner.generate_span_id() if ids is None else ids[1]

    def is_trace_id_random(self) -> bool:
        """Whether the ids of traces are random, as the W3C's second level has it."""
        return self._inner.is_trace_id_random()
