"""The numbers of queues for the gauges and the summary."""

from collections.abc import Mapping
from typing import Protocol

from celery_otel_api.cluster import Cluster
from celery_otel_api.fleet import Presence
from celery_otel_api.gauges import QueueNumbers, QueueSource
from celery_otel_api.snapshot import Snapshot

PART = "queues"
_THERE = {Presence.ONLINE, Presence.SILENT}


class _Reading(Protocol):
    @property
    def length(self) -> int | None: ...
    @property
    def consumers(self) -> int | None: ...
    @property
    def oldest_message_age(self) -> float | None: ...


class _Survey(Protocol):
    @property
    def queues(self) -> Mapping[str, _Reading]: ...


class QueueKeeper(Protocol):
    """What keeps the newest survey of the queues."""

    async def get(self) -> _Survey:
        """The survey."""


def queue_source(cluster: Cluster) -> QueueSource:
    """The numbers of the cluster's queues; none where nothing keeps them."""

    async def numbers() -> Mapping[str, QueueNumbers]:
        keeper: QueueKeeper | None = cluster.parts.get(PART)
        if keeper is None:
            return {}
        survey = await keeper.get()
        consumers = consuming_workers(await cluster.snapshots.get())
        return {name: _numbers(reading, consumers.get(name, 0)) for name, reading in survey.queues.items()}

    return numbers


def _numbers(reading: _Reading, workers: int) -> QueueNumbers:
    # Redis knows no consumers: there the workers say what they consume.
    consumers = workers if reading.consumers is None else reading.consumers
    return QueueNumbers(reading.length, consumers, reading.oldest_message_age)


def consuming_workers(snapshot: Snapshot) -> dict[str, int]:
    """How many workers consume each queue: those that answer, and those that only their hearts tell of."""
    found: dict[str, int] = {}
    for member in snapshot.members:
        if member.answer is None or member.presence not in _THERE:
            continue
        for name in member.answer.queues:
            found[name] = found.get(name, 0) + 1
    return found
