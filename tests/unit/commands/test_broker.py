"""Which queues are looked at, and what is said of a broker that is away."""

import pytest
from celery import Celery
from kombu.entity import Queue

from celery_otel.broker import queue_names


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["celery", "mail"]),
        ({"task_queues": [Queue("orders")]}, ["mail", "orders"]),
        ({"task_routes": {"shop.*": {"queue": "shop"}, "other": "others"}}, ["celery", "mail", "others", "shop"]),
        ({"task_routes": [{"shop.*": {"queue": Queue("shop")}}, lambda *_: None]}, ["celery", "mail", "shop"]),
        ({"task_routes": {"shop.*": {"priority": 3}}}, ["celery", "mail"]),
    ],
    ids=["default", "declared", "routed", "routed by several", "routed elsewhere"],
)
def test_queue_names(settings: dict[str, object], expected: list[str]) -> None:
    """Queues that are declared, routed to or consumed are looked at, each once."""
    app = Celery("shop", broker="memory://", set_as_current=False)
    app.conf.update(settings)
    assert expected == queue_names(app, ["mail"])
