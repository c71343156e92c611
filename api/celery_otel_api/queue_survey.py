"""Reads the queues of an application from its broker, for all who ask."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from celery import Celery

from celery_otel_api.broker import broker_connection
from celery_otel_api.errors import BrokerUnreachableError
from celery_otel_api.keeper import Keeper
from celery_otel_api.queue_reader import QueueReading, Reader, read_plainly
from celery_otel_api.rabbitmq_management import RabbitMQManagement
from celery_otel_api.rabbitmq_queues import RabbitMQQueues
from celery_otel_api.redis_queues import RedisQueues
from celery_otel_api.settings import ApiSettings
from celery_otel_api.snapshot import Snapshot

_OF_BROKER = ("length", "consumers", "unacknowledged", "oldest_message_age_seconds", "length_by_priority", "rates")


@dataclass(frozen=True)
class QueueSurvey:
    """All queues at one moment.

    Attributes:
        taken_at: The Unix time when the broker had answered.
        broker_connected: Whether it could be asked. If not, nothing is known of any queue but its name.
        broker: Its kind, as kombu calls it; empty if it was not asked yet.
        reason: Why it could not be asked; empty if it could.
        queues: By name, in order.
        by_routing_key: The queues that the application declares, by the routing key of their messages.
    """

    taken_at: float
    broker_connected: bool
    broker: str = ""
    reason: str = ""
    queues: Mapping[str, QueueReading] = field(default_factory=dict)
    by_routing_key: Mapping[str, str] = field(default_factory=dict)


class QueueSurveyor:
    """Reads the queues. It blocks: a `Keeper` calls it in a thread, once at a time.

    Args:
        app: The application.
        settings: The options.
        snapshot: Gives the newest picture of the workers, who say what they consume.
        wall: Gives the Unix time.
        monotonic: Gives the time.

    Raises:
        ConfigurationError: The address of RabbitMQ's management API cannot be used.
    """

    def __init__(
        self,
        app: Celery,
        settings: ApiSettings,
        snapshot: Callable[[], Snapshot],
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._settings = settings
        self._snapshot = snapshot
        self._wall = wall
        self._monotonic = monotonic
        self._consumed: dict[str, float] = {}
        self._readers: dict[str, Reader] = {
            "redis": RedisQueues(wall),
            "amqp": RabbitMQQueues(_management(settings)),
        }

    def __call__(self) -> QueueSurvey:
        """Reads them all."""
        names = self._names()
        try:
            broker, queues = self._read(names)
        except BrokerUnreachableError as error:
            return unknown_queues(names, str(error), self._wall())
        keys = {str(queue.routing_key): str(name) for name, queue in list(self._app.amqp.queues.items())}
        return QueueSurvey(self._wall(), broker_connected=True, broker=broker, queues=queues, by_routing_key=keys)

    def _read(self, names: list[str]) -> tuple[str, dict[str, QueueReading]]:
        with broker_connection(self._app, self._settings.deadline) as connection:
            kind = connection.transport.driver_type
            return kind, self._readers.get(kind, read_plainly)(connection, names)

    def _names(self) -> list[str]:
        """The queues that are declared, configured, or consumed now or were lately: no worker may be left for them."""
        now = self._monotonic()
        answers = (member.answer for member in self._snapshot().members if member.answer is not None)
        self._consumed.update((name, now) for answer in answers for name in answer.queues)
        self._consumed = {
            name: seen for name, seen in self._consumed.items() if now - seen <= self._settings.forget_after
        }
        return sorted({*self._app.amqp.queues, *self._settings.queues, *self._consumed})


def unknown_queues(names: Iterable[str], reason: str, taken_at: float) -> QueueSurvey:
    """A survey that found nothing out, for a reason."""
    nothing = QueueReading("", reasons=dict.fromkeys(_OF_BROKER, reason))
    queues = {name: replace(nothing, name=name) for name in names}
    return QueueSurvey(taken_at, broker_connected=False, reason=reason, queues=queues)


QueueKeeper = Keeper[QueueSurvey]
"""Keeps the newest survey."""


def queue_keeper(app: Celery, settings: ApiSettings, snapshot: Callable[[], Snapshot]) -> QueueKeeper:
    """The keeper of an application's queues; arguments and errors as of `QueueSurveyor`."""
    return Keeper(
        QueueSurveyor(app, settings, snapshot),
        unknown_queues((), "The queues have not been read yet.", 0.0),
        interval=settings.refresh_interval,
        deadline=settings.deadline,
    )


def _management(settings: ApiSettings) -> RabbitMQManagement | None:
    url = settings.rabbitmq_management_url.get_secret_value()
    return RabbitMQManagement(url, settings.deadline / 2) if url else None
