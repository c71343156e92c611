"""The ring of attempts that ended last."""

from celery_otel.core.attempt import Attempt
from celery_otel.core.outcome import LOST, SUCCESS, Outcome, ReturnCause
from celery_otel.core.recent import RecentAttempts
from celery_otel.core.span import SpanIdentity


def attempt(number: int, *, started: bool = True) -> Attempt:
    """An attempt that may have started a second before it ends at its number."""
    made = Attempt.described("shop.order", "orders", (f"id-{number}", "2", "0"), 0.0)
    made.started_at = number - 1.0 if started else None
    return made


def test_what_is_told_of_an_attempt() -> None:
    """Who it was, how it ended, how long it ran, and its trace if it has a span that was sampled."""
    ended = attempt(5)
    ended.span = SpanIdentity(0xAB, 0xCD)
    ring = RecentAttempts()
    ring.add((ended, LOST, 5.0))
    assert [
        {
            "id": "id-5",
            "name": "shop.order",
            "queue": "orders",
            "retries": 2,
            "status": "failure",
            "error_type": "worker_lost",
            "started_at": 4.0,
            "ended_at": 5.0,
            "runtime": 1.0,
            "trace_id": f"{0xAB:032x}",
        }
    ] == ring.told()


def test_what_never_started_has_no_runtime_and_what_is_not_sampled_no_trace() -> None:
    """An attempt that was revoked before its start ran for no time, and a span nobody recorded leads nowhere."""
    ended = attempt(5, started=False)
    ended.span = SpanIdentity(0xAB, 0xCD, sampled=False)
    ring = RecentAttempts()
    ring.add((ended, SUCCESS, 5.0))
    (told,) = ring.told()
    assert [None, None, None] == [told["started_at"], told["runtime"], told["trace_id"]]


def test_the_oldest_make_room() -> None:
    """As many as the ring has room for are told, the oldest first."""
    ring = RecentAttempts(size=2)
    for number in (1, 2, 3):
        ring.add((attempt(number), SUCCESS, float(number)))
    assert ["id-2", "id-3"] == [told["id"] for told in ring.told()]


def test_what_is_known_is_not_told_again() -> None:
    """Those that ended until a moment are left out, and what was returned has not ended."""
    ring = RecentAttempts()
    for number in (1, 2, 3):
        ring.add((attempt(number), SUCCESS, float(number)))
    ring.add((attempt(4), Outcome(returned=ReturnCause.SHUTDOWN), 4.0))
    assert ["id-3"] == [told["id"] for told in ring.told(since=2.0)]
