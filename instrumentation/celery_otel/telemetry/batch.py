"""The SDK's batch processor, with an end that takes a bounded time."""

from opentelemetry.sdk.trace.export import BatchSpanProcessor

END_TIMEOUT = 2.0
"""The most that the end of a process waits for its last spans, in seconds."""


class BoundedBatch(BatchSpanProcessor):
    """Exports in batches, on a thread of its own."""

    def shutdown(self) -> None:
        """Exports what waits, for 2 seconds at most; the SDK would wait 30, and has no public way to say otherwise."""
        self._batch_processor.shutdown(int(END_TIMEOUT * 1000))
