"""Makes the span of every attempt that ends, in the same place as its count.

The ledger tells each end inside its lock; what is noted there becomes a span a moment later, outside: first whatever
user code said on the task's current span has to be read from the relay, and a child that was killed may have been
sending it when it died. Spans are made several at a time: one by one, each would find the processor's caches filled by
the worker's own work, and take twice as long.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from celery_otel.core.attempt import Attempt
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.core.outcome import KILLED, SUCCESS, Outcome
from celery_otel.core.span import FinishedSpan, error_type, has_span
from celery_otel.relay_record import ASIDE
from celery_otel.span_attributes import attempt_attributes, shared_pairs

PATIENCE = 1.0
"""Seconds that the record of a killed child may come after its end."""
MANY = 32
"""How many ended attempts are worth making their spans at once; fewer wait for the next export."""
STRAYS = 10_000
"""How many records may wait for the end of their attempts."""

Said = Mapping[str, Any]


class SpanRecorder:
    """Makes spans of ended attempts.

    Args:
        emit: Takes each finished span.
        drain: Reads what children have sent since it was last called: records, each with its span's id.
        clock: Where the time comes from.
        announce: Called for each span that will be made, when its attempt ends.

    Attributes:
        post: Called first, outside the lock: has those ends noted that are only written down.
        prepare: Called before spans are made: brings what `drain` shall then read.
    """

    def __init__(
        self,
        emit: Callable[[FinishedSpan], None],
        drain: Callable[[], Iterable[Said]],
        clock: Clock = SYSTEM_CLOCK,
        *,
        announce: Callable[[], object] = lambda: None,
    ) -> None:
        self.prepare: Callable[[], object] = lambda: None
        self.post: Callable[[], None] = lambda: None
        self._emit = emit
        self._announce = announce
        self._drain = drain
        self._clock = clock
        # Reentrant: Celery's cold shutdown ends attempts inside a signal handler, which may interrupt this very
        # thread while it holds the lock.
        self._lock = threading.RLock()
        self._completing = False
        self._ended: deque[tuple[Attempt, Outcome, float]] = deque()
        self._late: deque[tuple[float, Attempt, Outcome, float]] = deque()
        self._said: dict[str, Said] = {}
        self._aside: dict[str, Said] = {}

    def ended(self, attempt: Attempt, outcome: Outcome, at: float) -> None:
        """Notes an end, at a Unix time; cheap enough for the inside of the ledger's lock."""
        span = attempt.span
        if span is not None and span.sampled and has_span(outcome, started=attempt.started_at is not None):
            self._announce()
            self._ended.append((attempt, outcome, at))
        else:
            _forget_headers(attempt, outcome)

    @property
    def waiting(self) -> int:
        """How many ended attempts have no span yet."""
        return len(self._ended) + len(self._late)

    def collect(self) -> None:
        """Reads what children have sent. They share one buffer: it must not wait for the ends."""
        with self._lock:
            self._read()

    def complete_many(self) -> None:
        """Makes the spans that are due, if they are many."""
        if len(self._ended) >= MANY:
            self.complete()

    def complete(self, everything: bool = False) -> None:  # noqa: FBT001, FBT002  # the loop's signature
        """Makes the spans that are due.

        Args:
            everything: Those too whose children may still be sending.
        """
        # The ledger has a lock of its own, within which ends are noted.
        self.post()
        with self._lock:
            if self._completing:
                # This thread's own call, which was interrupted, goes on with what has ended meanwhile.
                return
            self._completing = True
            try:
                self._complete(everything=everything)
            finally:
                self._completing = False

    def _complete(self, *, everything: bool) -> None:
        self.prepare()
        self._read()
        while self._ended:
            self._finish_or_wait(*self._ended.popleft())
        now = self._clock.monotonic()
        while self._late and (everything or self._late[0][0] <= now):
            self._finish(*self._late.popleft()[1:])

    def _read(self) -> None:
        for record in self._drain():
            self._note(record)

    def _note(self, record: Said) -> None:
        key, kept = str(record.get("span")), self._aside if ASIDE in record else self._said
        kept[key] = merged(kept[key], record) if key in kept else record
        # What stays belongs to attempts that still run, or to one that was over before its child was.
        if len(kept) > STRAYS:
            del kept[next(iter(kept))]

    def _finish_or_wait(self, attempt: Attempt, outcome: Outcome, at: float) -> None:
        # Asked first: most succeed, and to look an outcome up takes a hash of it.
        if outcome is not SUCCESS and outcome in KILLED and _key(attempt) not in self._said:
            self._late.append((self._clock.monotonic() + PATIENCE, attempt, outcome, at))
            return
        self._finish(attempt, outcome, at)

    def _finish(self, attempt: Attempt, outcome: Outcome, at: float) -> None:
        if attempt.span is None:
            return
        expected = attempt.raised is not None and attempt.raised.expected
        start = attempt.received_at if attempt.started_at is None else attempt.started_at
        self._emit(
            FinishedSpan(
                attempt.span,
                attempt.task,
                attempt.queue,
                start,
                max(start, at),
                attempt_attributes(attempt, outcome),
                shared_pairs(attempt, outcome),
                "" if expected else error_type(outcome),
                attempt.raised,
                self._told(_key(attempt)) if self._said or self._aside else {},
            )
        )
        _forget_headers(attempt, outcome)

    def _told(self, key: str) -> Said:
        said, aside = self._said.pop(key, {}), self._aside.pop(key, None)
        return said if aside is None else {name: told for name, told in merged(aside, said).items() if name != ASIDE}


def _forget_headers(attempt: Attempt, outcome: Outcome) -> None:
    """Lets go of what a message said, which may be large, though the attempt itself is remembered.

    Unless it may still be started: then another span is made of it.
    """
    if outcome.status is not None:
        attempt.headers = ()


def _key(attempt: Attempt) -> str:
    return f"{attempt.span.span_id:016x}" if attempt.span is not None else ""


def merged(first: Said, second: Said) -> Said:
    """What two records of one span say together; the second was sent later."""
    both = {**first, **second, "attributes": {**first.get("attributes", {}), **second.get("attributes", {})}}
    for key in ("events", "links"):
        both[key] = [*first.get(key, ()), *second.get(key, ())]
    for losses in ("dropped", "cut"):
        both[losses] = dict(Counter(first.get(losses, {})) + Counter(second.get(losses, {})))
    return both
