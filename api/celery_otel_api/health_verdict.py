"""Judges whether tasks are being worked on, and says what to do where they are not."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from celery_otel_api.fleet import Presence
from celery_otel_api.queue_survey import QueueSurvey
from celery_otel_api.queues_schemas import QueueStatus
from celery_otel_api.snapshot import Snapshot

ALL_WELL = "All systems operational"


class Health(StrEnum):
    """How well it is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement.

    Attributes:
        health: How well it is.
        reasons: Why, and what to do; the worst first.
    """

    health: Health
    reasons: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """The judgement in a sentence."""
        more = len(self.reasons) - 1
        return f"{self.reasons[0] if self.reasons else ALL_WELL}{f' And {more} more: see reasons.' if more > 0 else ''}"


def judged(
    snapshot: Snapshot, survey: QueueSurvey, queues: Sequence[QueueStatus], *, stale: str = "", collector: str = ""
) -> Verdict:
    """Judges.

    Args:
        snapshot: What the workers said.
        survey: What the broker said.
        queues: Both, by queue.
        stale: Why both are too old to be believed; empty if they are not.
        collector: What is wrong with the collector; empty if nothing is.
    """
    worst = tuple(_worst(snapshot, stale))
    bad = (*_of_workers(snapshot), *_of_queues(survey, queues), *filter(None, [collector]))
    if worst:
        return Verdict(Health.UNHEALTHY, (*worst, *bad) if snapshot.broker_connected else worst)
    return Verdict(Health.DEGRADED if bad else Health.HEALTHY, bad)


def _worst(snapshot: Snapshot, stale: str) -> Iterator[str]:
    if stale:
        yield stale
    elif not snapshot.broker_connected:
        yield f"{snapshot.reason} See that the broker runs and can be reached from here."
    elif not snapshot.answers and not snapshot.named(Presence.SILENT):
        yield "No worker answers. Start one: celery -A <your application> worker."


def _of_workers(snapshot: Snapshot) -> Iterator[str]:
    silent, offline = snapshot.named(Presence.SILENT), snapshot.named(Presence.OFFLINE)
    if silent:
        yield (
            f"Silent: {_listed(silent)}. Their hearts beat but they do not answer: a solo worker does so while it runs "
            "a task. If it lasts longer than a task may, look at the worker's log and restart it."
        )
    if offline:
        yield (
            f"Offline: {_listed(offline)}. They do not answer and nothing is heard of them: start them again. A worker "
            "that shall not come back is forgotten after CELERY_OTEL_API_FORGET_AFTER seconds, unless "
            "CELERY_OTEL_API_WORKERS names it."
        )


def _of_queues(survey: QueueSurvey, queues: Iterable[QueueStatus]) -> Iterator[str]:
    if not survey.broker_connected:
        yield f"The queues could not be read: {survey.reason}"
    for queue in queues:
        if queue.length and queue.consumers == 0:
            yield (
                f"The queue {queue.name} holds {queue.length} messages and nobody consumes it: start a worker with "
                f"-Q {queue.name}, or correct the route of the tasks in it."
            )


def _listed(names: Sequence[str], most: int = 5) -> str:
    more = len(names) - most
    return f"{', '.join(names[:most])} and {more} more" if more > 0 else ", ".join(names)
