"""Messages that are out belong to the queues they came from."""

from hypothesis import given
from hypothesis import strategies as st

from celery_otel_api.redis_bindings import Binding, attributed, queues_of

TABLE: dict[str, list[Binding]] = {
    "direct": [("fast", "", "express"), ("slow", "", "freight")],
    "topic": [("order.*", r"^order\.[^\.]+$", "orders"), ("#", r"^.*?$", "everything")],
}


def bindings(exchange: str) -> list[Binding]:
    """The bindings of an exchange."""
    return TABLE.get(exchange, [])


def test_without_an_exchange_the_key_is_the_queue() -> None:
    """Celery publishes so by default."""
    assert {"celery"} == queues_of("", "celery", bindings)


def test_a_direct_exchange_has_other_names_for_its_queues() -> None:
    """The routing key of its binding leads to the queue."""
    assert {"express"} == queues_of("direct", "fast", bindings)


def test_a_key_that_nothing_is_bound_to_is_taken_for_the_queue() -> None:
    """So a message is never left out."""
    assert {"fast"} == queues_of("unknown", "fast", bindings)


def test_of_several_queues_none_is_picked() -> None:
    """A message that a topic exchange put into two queues may be out from either."""
    found = attributed({("topic", "order.new"): 3, ("topic", "invoice"): 2, ("", "celery"): 1}, bindings)
    assert {"everything": 2, "celery": 1} == found.counts
    assert {"orders", "everything"} == found.uncertain


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["", "direct", "other"]), st.sampled_from(["fast", "slow", "celery"])),
        st.integers(1, 1000),
    )
)
def test_no_message_is_lost_or_counted_twice(routes: dict[tuple[str, str], int]) -> None:
    """Where each key leads to one queue, the counts of all queues are the number of messages."""
    found = attributed(routes, bindings)
    assert sum(routes.values()) == sum(found.counts.values())
    assert frozenset() == found.uncertain
