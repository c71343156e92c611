"""What the ledger learns from a message."""

from typing import Any

import pytest
from celery import Celery

from celery_otel.core.attempt import Attempt
from celery_otel.core.labels import BoundedLabel
from celery_otel.hooks.description import Description, published_at
from celery_otel.hooks.queues import Queues
from celery_otel.message_headers import COUNTED
from celery_otel.untrusted import LONGEST

DELIVERY = {"exchange": "", "routing_key": "orders"}


def described(task_id: object, *, forgets: bool = False, **headers: Any) -> Attempt:
    """An attempt with those headers, described."""
    app = Celery("shop", set_as_current=False)
    label = BoundedLabel(10, lambda: None)
    attempt = Attempt.described("shop.order", "", ("", "", ""), 1.0)
    attempt.id, attempt.headers = task_id, tuple(map({"delivery_info": DELIVERY, **headers}.get, COUNTED))
    describe = Description(Queues(app, label), label)
    describe.forgets = forgets
    describe(attempt)
    return attempt


def test_a_message_says_whose_attempt_it_is() -> None:
    """Queue, identity and publish time come from the message, whatever the types of what it says."""
    attempt = described(7, retries=2, delivery_info=DELIVERY, celery_otel_published_at="3.5")
    assert ("orders", ("7", "2", "0"), 3.5) == (attempt.queue, attempt.identity, attempt.published_at)


def test_what_is_described_stays() -> None:
    """An attempt that was described for a sampler is not described again: its labels are bounded already."""
    label = BoundedLabel(1, lambda: None)
    attempt = Attempt.described("shop.order", "orders", ("7", "2", "0"), 1.0)
    Description(Queues(Celery("shop", set_as_current=False), label), label)(attempt)
    assert ("orders", ("7", "2", "0")) == (attempt.queue, attempt.identity)


@pytest.mark.parametrize(
    ("expected", "stamp"),
    [
        (1700000000.25, "1700000000.250000"),
        (None, None),
        (None, "yesterday"),
        (None, "inf"),
        (None, "-1.7e308"),
        (None, 1.7e308),
        (None, ["1"]),
    ],
)
def test_nonsense_is_no_time(expected: float | None, stamp: object) -> None:
    """A message without a stamp, or with a nonsensical one, has no publish time."""
    assert expected == published_at(stamp)


def _nested(depth: int) -> list[object]:
    found: list[object] = []
    for _ in range(depth):
        found = [found]
    return found


def test_a_part_of_an_identity_is_bounded_and_still_tells_attempts_apart() -> None:
    """Of a long one the beginning is kept, and what differs behind it makes another; one of no text has one, too."""
    one, other = (described("x" * 1_000_000 + end).identity[0] for end in "ab")
    assert one != other
    assert len(one) < 2 * LONGEST
    assert "<list>" == described(_nested(100_000)).identity[0]


def test_what_nobody_needs_is_not_kept() -> None:
    """Without spans the headers go as soon as they have been read; with spans they stay."""
    assert [0, len(COUNTED)] == [len(described("7", forgets=forgets).headers) for forgets in (True, False)]
