"""The attempts that ended last in one worker: what an operator asks for who has no result backend and no Jaeger."""

from collections import deque
from collections.abc import Iterator

from celery_otel.core.attempt import Attempt
from celery_otel.core.outcome import Outcome, Status

SIZE = 200
"""How many are kept."""


class RecentAttempts:
    """A ring of attempts that ended. Not thread-safe by itself: the `Ledger` holds its lock around every call.

    Args:
        size: How many are kept.
    """

    def __init__(self, size: int = SIZE) -> None:
        self._ring: deque[tuple[Attempt, Outcome, float]] = deque(maxlen=size)
        self.add = self._ring.append
        """Adds one with its outcome and the Unix time of its end."""

    def told(self, since: float = 0.0) -> list[dict[str, object]]:
        """What there is to tell of those that ended after a Unix time, the oldest first, as plain JSON.

        Each has `id`, `name`, `queue`, `retries`, `status`, `error_type`, `started_at`, `ended_at`, `runtime` in
        seconds (null if it never started), and `trace_id` (null without a span that was sampled).
        """
        return list(self._told(since))

    def _told(self, since: float) -> Iterator[dict[str, object]]:
        for attempt, outcome, at in self._ring:
            if outcome.status is not None and at > since:
                yield _plain(attempt, outcome.status, outcome.detail, at)


def _plain(attempt: Attempt, status: Status, detail: str, at: float) -> dict[str, object]:
    task_id, retries, _ = attempt.identity
    span = attempt.span
    return {
        "id": task_id,
        "name": attempt.task,
        "queue": attempt.queue,
        "retries": int(retries) if retries.isdecimal() else 0,
        "status": str(status),
        "error_type": str(detail),
        "started_at": attempt.started_at,
        "ended_at": at,
        "runtime": None if attempt.started_at is None else max(0.0, at - attempt.started_at),
        "trace_id": f"{span.trace_id:032x}" if span is not None and span.sampled else None,
    }
