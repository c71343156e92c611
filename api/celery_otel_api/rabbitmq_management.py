"""What RabbitMQ's management API says of queues beyond AMQP."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from celery_otel_api.errors import ApiError
from celery_otel_api.queue_reader import MessageRates
from celery_otel_api.remote import Remote, RemoteError

OPTION = "CELERY_OTEL_API_RABBITMQ_MANAGEMENT_URL"
MOST_BYTES = 32 * 1024 * 1024
"""Of an answer: about 100 000 queues."""
_KINDS = ("publish", "deliver_get", "ack")
_COLUMNS = ",".join(("name", "messages_unacknowledged", *(f"message_stats.{kind}_details.rate" for kind in _KINDS)))
_HINTS: Mapping[int | None, str] = {
    HTTPStatus.UNAUTHORIZED: f"Check the user and password in {OPTION}.",
    HTTPStatus.FORBIDDEN: "Give the user the tag `monitoring`, and the virtual host.",
    HTTPStatus.NOT_FOUND: f"Check that {OPTION} is the address of the management API.",
}


class ManagementError(ApiError):
    """The management API did not answer as it should. The message says why, without its password."""


@dataclass(frozen=True, slots=True)
class ManagedQueue:
    """A queue as the management API knows it: some seconds late.

    Attributes:
        unacknowledged: Messages that were delivered and not acknowledged; None if it does not say.
        rates: How fast messages come and go; None if it does not say.
    """

    unacknowledged: int | None
    rates: MessageRates | None


class RabbitMQManagement:
    """The management API.

    Args:
        url: Its address, with user and password.
        timeout: Seconds without an answer after which to give up.

    Raises:
        ConfigurationError: It is no address of HTTP.
    """

    def __init__(self, url: str, timeout: float) -> None:
        base = url.rstrip("/").removesuffix("/api")
        self._remote = Remote("RabbitMQ's management API", base, option=OPTION, timeout=timeout)

    def queues(self, virtual_host: str) -> dict[str, ManagedQueue]:
        """The queues of a virtual host by their names.

        Raises:
            ManagementError: It did not answer as it should.
        """
        told = self._get(f"/api/queues/{quote(virtual_host, safe='')}?columns={_COLUMNS}")
        return {str(one["name"]): _queue(one) for one in told if isinstance(one, dict) and "name" in one}

    def _get(self, path: str) -> list[Any]:
        try:
            told = json.loads(self._remote.read(path, most=MOST_BYTES))
        except RemoteError as error:
            hint = _HINTS.get(error.status, "See that its plugin is enabled and can be reached from here.")
            raise ManagementError(f"{error} {hint}") from None
        except ValueError:
            told = None
        if not isinstance(told, list):
            raise ManagementError(f"{self._remote.error('it gives no list of queues')} Check {OPTION}.")
        return told


def _queue(told: Mapping[str, Any]) -> ManagedQueue:
    unacknowledged = told.get("messages_unacknowledged")
    if not isinstance(unacknowledged, int):
        return ManagedQueue(None, None)
    stats = told.get("message_stats") or {}
    return ManagedQueue(unacknowledged, MessageRates(*(_rate(stats, kind) for kind in _KINDS)))


def _rate(stats: Mapping[str, Any], kind: str) -> float:
    """Messages per second; a queue of which RabbitMQ says nothing has had none."""
    return float((stats.get(f"{kind}_details") or {}).get("rate") or 0.0)
