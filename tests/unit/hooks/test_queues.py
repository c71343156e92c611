"""The queue of a message is found for every kind of exchange."""

import pytest
from celery import Celery
from kombu.entity import Exchange, Queue

from celery_otel.core.labels import MAX_LENGTH, OVERFLOW, BoundedLabel
from celery_otel.hooks.queues import Queues

QUEUES = [
    Queue("celery", Exchange(""), routing_key="celery"),
    Queue("orders", Exchange("shop", type="direct"), routing_key="order.new"),
    Queue("refunds", Exchange("shop", type="direct"), routing_key="order.refund"),
    Queue("audit", Exchange("events", type="topic"), routing_key="audit.#"),
]


@pytest.mark.parametrize(
    ("expected", "exchange", "routing_key"),
    [
        ("celery", "", "celery"),
        ("orders", "shop", "order.new"),
        ("refunds", "shop", "order.refund"),
        ("audit", "events", "audit.login.failed"),
        ("unbound", "shop", "unbound"),
        ("unknown", "", ""),
        ("unknown", None, None),
    ],
)
def test_the_queue_of_a_message(expected: str, exchange: str | None, routing_key: str | None) -> None:
    """Exchange and routing key lead to the consumed queue; a message that matches none keeps its routing key."""
    app = Celery("shop", set_as_current=False)
    app.conf.task_queues = QUEUES
    queues = Queues(app, BoundedLabel(10, lambda: None))
    delivery = {"exchange": exchange, "routing_key": routing_key}
    assert [expected, expected] == [queues.of_delivery(delivery), queues.of_delivery(delivery)]


def test_routing_keys_that_are_made_up_leave_nothing_behind() -> None:
    """Long ones are not remembered, and of short ones a bounded number."""
    app = Celery("shop", set_as_current=False)
    queues = Queues(app, BoundedLabel(10, lambda: None))
    found = {queues.of_delivery({"routing_key": f"{number}{'x' * MAX_LENGTH}"}) for number in range(2000)}
    assert OVERFLOW in found
    assert not queues._found  # noqa: SLF001  # what it holds is what is tested
    for number in range(2000):
        queues.of_delivery({"routing_key": f"{number}"})
    assert 1000 == len(queues._found)  # noqa: SLF001  # as above
