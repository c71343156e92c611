"""A span processor that costs nothing until the first span ends in this very process.

No exporter, thread or socket exists before, and none is inherited by a process that is forked: each process builds its
own. A worker's main process never builds any; see `LazySpans.diverted`.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from celery_otel.failures import FailureLog

Take = Callable[[ReadableSpan], None]


class ProcessSpans:
    """What one process has: nothing, processors of its own, or somebody who takes its spans."""

    def __init__(self) -> None:
        self.take: Take | None = None
        self._lock = threading.Lock()
        self._processors: Sequence[SpanProcessor] | None = None

    def processors(self, build: Callable[[], Sequence[SpanProcessor]]) -> Sequence[SpanProcessor]:
        """The processors, which the first call builds."""
        with self._lock:
            if self._processors is None:
                self._processors = build()
            return self._processors

    def built(self) -> Sequence[SpanProcessor]:
        """The processors, if there are any by now."""
        return self._processors or ()

    def close(self) -> None:
        """Ends them. The next span would build others."""
        with self._lock:
            processors, self._processors = self.built(), None
        for processor in processors:
            processor.shutdown()


class LazySpans(SpanProcessor):
    """Hands spans to processors that are built when the first one ends.

    Args:
        build: Builds them; they end within a bounded time.
        log: Where it is logged that they could not be built.
    """

    def __init__(self, build: Callable[[], Sequence[SpanProcessor]], log: FailureLog) -> None:
        self._build = build
        self._log = log
        self._of_process: dict[int, ProcessSpans] = {}
        self._closed = False

    def on_end(self, span: ReadableSpan) -> None:
        """Takes a span that has ended."""
        if self._closed or span.context is None or not span.context.trace_flags.sampled:
            return
        own = self._own()
        if own.take is not None:
            own.take(span)
            return
        for processor in own.processors(self._build_or_tell):
            processor.on_end(span)

    def shutdown(self) -> None:
        """Ends what this process has built, and takes no span any more until it is opened again."""
        self._closed = True
        self._own().close()

    def open(self) -> None:
        """Takes spans again."""
        self._closed = False

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Exports what waits in this process. The timeout bounds nothing: the processors do not keep to it."""
        flushed = [processor.force_flush(timeout_millis) for processor in self._own().built()]
        return all(flushed)

    @contextmanager
    def diverted(self, take: Take) -> Iterator[None]:
        """Hands the spans of this process, and of no other, to somebody else; what was built before ends.

        For a process that goes on forking: what it built would be there in every child.

        Args:
            take: Takes a span that has ended and is sampled.
        """
        own = self._own()
        own.take = take
        own.close()
        try:
            yield
        finally:
            own.take = None

    def _own(self) -> ProcessSpans:
        # By process: a lock that was held while another one forked would never be released here.
        pid = os.getpid()
        return self._of_process.get(pid) or self._of_process.setdefault(pid, ProcessSpans())

    def _build_or_tell(self) -> Sequence[SpanProcessor]:
        try:
            return self._build()
        except Exception as error:  # noqa: BLE001  # whatever an exporter raises, the process goes on
            self._log.tell("spans", "celery-otel exports no spans here: an exporter could not be built.", error)
            return ()
