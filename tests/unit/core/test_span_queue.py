"""No span leaves the queue uncounted, and the queue never holds more than it may."""

from hypothesis import given
from hypothesis import strategies as st

from celery_otel.core.span_queue import SpanQueue


def test_a_batch_that_failed_is_taken_again() -> None:
    """Until a batch is done the same spans are taken, with younger ones behind them."""
    queue = SpanQueue(100)
    for number in b"abc":
        queue.put(bytes([number]))
    assert [b"a", b"b"] == queue.take(2)
    assert [b"a", b"b", b"c"] == queue.take(3)
    queue.done()
    assert [] == queue.take(3)
    assert (3, 0) == (queue.exported, queue.dropped)


def test_the_oldest_make_room_for_the_youngest() -> None:
    """Over its bound in bytes the queue drops what waits longest, and counts it."""
    queue = SpanQueue(5)
    for span in (b"aa", b"bb", b"cc"):
        queue.put(span)
    assert [b"bb", b"cc"] == queue.take(10)
    assert 1 == queue.dropped


def test_what_is_under_way_counts_for_the_bound() -> None:
    """A batch that nobody takes leaves no room beside itself: younger spans are dropped, not piled up."""
    queue = SpanQueue(4)
    queue.put(b"aaaa")
    queue.take(1)
    queue.put(b"b")
    assert (1, 1) == (len(queue), queue.dropped)


@given(st.lists(st.sampled_from(["put", "take", "done", "drop"])), st.integers(1, 40))
def test_every_span_is_waiting_exported_or_dropped(acts: list[str], max_bytes: int) -> None:
    """Whatever happens in whatever order, put = waiting + exported + dropped, within the bound."""
    queue, put = SpanQueue(max_bytes), 0
    # One that is on its way all the time.
    queue.announce()
    for act in acts:
        if act == "put":
            queue.announce()
            queue.put(b"0123456789")
            put += 1
        elif act == "take":
            queue.take(2)
        else:
            getattr(queue, act)()
        assert put == len(queue) + queue.exported + queue.dropped
        assert (queue.exported, queue.dropped, len(queue) + 1) == queue.read()
        assert 10 * len(queue) <= max_bytes
