"""Which queues are read, on a broker in this process."""

from collections.abc import Iterator

import pytest
from celery import Celery
from kombu.entity import Exchange, Queue

from celery_otel_api.errors import ConfigurationError
from celery_otel_api.queue_survey import QueueSurveyor
from celery_otel_api.settings import ApiSettings
from celery_otel_api.snapshot import Snapshot
from tests.unit.api.queue_parts import answer, snapshot


class Scene:
    """A surveyor whose workers and time the test decides."""

    def __init__(self, app: Celery) -> None:
        self.now = 0.0
        self.snapshot: Snapshot = snapshot()
        settings = ApiSettings.read(queues=("named",), forget_after=60)
        self.survey = QueueSurveyor(app, settings, lambda: self.snapshot, lambda: 1700000000.0, lambda: self.now)

    def names(self) -> list[str]:
        """The queues that are read."""
        return list(self.survey().queues)


@pytest.fixture
def scene() -> Iterator[Scene]:
    """An application that declares two queues."""
    app = Celery("shop", broker="memory://", set_as_current=False)
    fast = Queue("express", Exchange("shop"), routing_key="fast")
    app.conf.update(task_queues=[fast, Queue("celery", Exchange("celery"), routing_key="celery")])
    yield Scene(app)
    app.close()


def test_queues_that_are_declared_or_named_are_read(scene: Scene) -> None:
    """Without any worker, and it is known what routing keys lead to the declared ones."""
    assert ["celery", "express", "named"] == scene.names()
    found = scene.survey()
    assert {"fast": "express", "celery": "celery"} == found.by_routing_key
    assert (1700000000.0, True, "memory") == (found.taken_at, found.broker_connected, found.broker)


def test_what_a_worker_has_consumed_is_read_for_a_while_after_it_has_left(scene: Scene) -> None:
    """What it has left there waits, and nobody else may know of the queue."""
    scene.snapshot = snapshot(answer("w1", queues=("mail",)))
    assert ["celery", "express", "mail", "named"] == scene.names()
    scene.snapshot = snapshot()
    scene.now = 59.0
    assert "mail" in scene.names()
    scene.now = 61.0
    assert "mail" not in scene.names()


def test_the_address_of_the_management_api_has_to_be_one() -> None:
    """The service does not start with another; the message does not show it."""
    settings = ApiSettings.read(rabbitmq_management_url="amqp://me:sesame@host")
    with pytest.raises(ConfigurationError, match="CELERY_OTEL_API_RABBITMQ_MANAGEMENT_URL") as raised:
        QueueSurveyor(Celery("shop", set_as_current=False), settings, snapshot)
    assert "sesame" not in str(raised.value)
