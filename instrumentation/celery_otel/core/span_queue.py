"""Encoded spans on their way out: bounded in bytes, a failed batch kept, every span that is dropped counted."""

import threading
from collections import deque

FULL_RATE = 500_000
"""Bytes of spans per second at the highest rate that one worker's main process reaches: about 900 spans."""


class SpanQueue:
    """The spans of one worker that wait for their export, oldest first.

    Args:
        max_bytes: How many bytes may wait. The oldest go first when there are more.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        # Reentrant: what Celery's signal handlers end may interrupt its own thread here.
        self._lock = threading.RLock()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._under_way: list[bytes] = []
        self.exported = 0
        """How many spans were exported."""
        self.dropped = 0
        """How many were dropped because there was no room, or because they could not be encoded or exported at all."""

    def __len__(self) -> int:
        return len(self._waiting) + len(self._under_way)

    def put(self, span: bytes) -> None:
        """Adds a span, and makes room for it."""
        with self._lock:
            self._waiting.append(span)
            size = len(span)
            self._bytes += size
            while self._bytes > self._max_bytes and self._waiting:
                self._bytes -= len(self._waiting.popleft())
                self.dropped += 1

    def lose(self) -> None:
        """A span cannot even be put: it is dropped."""
        with self._lock:
            self.dropped += 1

    def take(self, number: int) -> list[bytes]:
        """The oldest spans, at most so many; the same ones again until `done` or `drop` is called."""
        with self._lock:
            while self._waiting and len(self._under_way) < number:
                self._under_way.append(self._waiting.popleft())
            return list(self._under_way)

    def done(self) -> None:
        """What was taken last has been exported."""
        with self._lock:
            self.exported += len(self._forget())

    def drop(self) -> None:
        """What was taken last can never be exported."""
        with self._lock:
            self.dropped += len(self._forget())

    def _forget(self) -> list[bytes]:
        gone, self._under_way = self._under_way, []
        self._bytes -= sum(map(len, gone))
        return gone
