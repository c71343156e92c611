"""What is read of a message before it is serialized."""

from typing import Any

import pytest
from celery import Celery, chord, signals

from celery_otel.hooks.publication import chord_of


@pytest.mark.parametrize("protocol", [1, 2])
def test_a_header_of_a_chord_knows_its_body(protocol: int) -> None:
    """With either protocol of Celery the messages of a chord's headers give the id of the body's task."""
    found: list[str] = []

    def note(body: Any = None, **_: Any) -> None:
        found.append(chord_of(body))

    with Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False) as app:
        app.conf.task_protocol = protocol
        order = app.signature("shop.order", immutable=True)
        signals.before_task_publish.connect(note)
        body = chord([order.clone(), order.clone()], app.signature("shop.sum"), app=app).apply_async()
        app.send_task("shop.order")
    assert [body.id, body.id, ""] == found


@pytest.mark.parametrize(
    "body",
    [
        None,
        "text",
        [],
        ((), {}, None),
        ((), {}, {}),
        ((), {}, {"chord": None}),
        ((), {}, {"chord": "text"}),
        ((), {}, {"chord": {}}),
        ((), {}, {"chord": {"options": {}}}),
        {"chord": {"options": None}},
    ],
)
def test_what_is_no_header_is_none(body: Any) -> None:
    """Whatever a body looks like, it has the id of a chord's body or none."""
    assert "" == chord_of(body)
