"""`GET stats/detailed`: everything that Celery's own inspection tells of each worker, asked when somebody wants it."""

import math
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from celery import Celery
from starlette.requests import Request
from starlette.responses import Response

from celery_otel.inspection import Inspection
from celery_otel_api.broker import broker_connection
from celery_otel_api.cluster import Cluster
from celery_otel_api.errors import BrokerUnreachableError
from celery_otel_api.freshness import cluster_of_request, json_response, rfc3339
from celery_otel_api.keeper import Keeper
from celery_otel_api.masking import masked, plans_cut
from celery_otel_api.operation import API, Operation
from celery_otel_api.settings import ApiSettings
from celery_otel_api.shown import shown
from celery_otel_api.workers_schemas import DetailedStats, DetailsParameters

COMMANDS = ("stats", "active_queues", "registered", "conf", "revoked", "clock")
"""Celery's commands. What tells of tasks is left to `tasks/status`, which knows who may see their arguments."""
LONGEST = 1_000
"""Entries of a list that are told."""


@dataclass(frozen=True, slots=True)
class Details:
    """What the workers said.

    Attributes:
        taken_at: The Unix time when they were asked.
        reason: Why they could not be; empty if they could.
        workers: What each said, by node name and command.
    """

    taken_at: float
    reason: str = ""
    workers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def details(app: Celery, settings: ApiSettings, expected: Collection[str]) -> Details:
    """Asks all workers. It blocks."""
    try:
        workers = _asked(app, settings, expected)
    except BrokerUnreachableError as error:
        return Details(time.time(), reason=str(error))
    return Details(time.time(), workers={name: _told(workers[name]) for name in sorted(workers)})


def _asked(app: Celery, settings: ApiSettings, expected: Collection[str]) -> dict[str, dict[str, Any]]:
    inspection = Inspection(app)
    workers: dict[str, dict[str, Any]] = {}
    with broker_connection(app, settings.deadline) as connection:
        for command in COMMANDS:
            answers = inspection.command(command, connection, timeout=settings.inspect_timeout, expected=expected)
            for name, answer in answers.items():
                workers.setdefault(name, {})[command] = answer
            if not answers:
                break
            # Those who said nothing now are not waited for again.
            expected = list(workers)
    return workers


def _told(answers: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = shown({command: _cut(masked(plans_cut(answer))) for command, answer in answers.items()})
    return told


def _cut(answer: Any) -> Any:
    if not isinstance(answer, list) or len(answer) <= LONGEST:
        return answer
    return [*answer[:LONGEST], f"and {len(answer) - LONGEST} more"]


async def detailed_stats(request: Request, parameters: DetailsParameters) -> Response:
    """Answers with everything that inspection tells."""
    cluster = cluster_of_request(request)
    keeper = _keeper(cluster)
    found = await keeper.get(fresh=parameters.fresh)
    age = keeper.age if math.isfinite(keeper.age) else None
    stats = DetailedStats(
        timestamp=rfc3339(found.taken_at or time.time()),
        age_seconds=None if age is None else round(age, 3),
        broker_connected=not found.reason,
        reason=found.reason or None,
        workers={name: dict(answers) for name, answers in found.workers.items()},
        missing_workers=sorted(cluster.fleet.expected - found.workers.keys()),
    )
    return json_response(stats.model_dump_json(), age)


def _keeper(cluster: Cluster) -> Keeper[Details]:
    keeper: Keeper[Details] | None = cluster.parts.get("details")
    if keeper is None:
        settings = cluster.settings
        keeper = cluster.parts["details"] = Keeper(
            lambda: details(cluster.app, settings, cluster.fleet.expected),
            Details(0.0, reason="The workers have not answered yet."),
            interval=settings.refresh_interval,
            # Two commands may each have to wait for somebody who does not answer.
            deadline=settings.deadline + 2 * settings.inspect_timeout,
        )
    return keeper


OPERATIONS = (
    Operation(
        f"{API}/stats/detailed",
        detailed_stats,
        "Everything that Celery's inspection tells of each worker",
        "Asked when it is called, but not more often than the refresh interval says. Secrets are masked.",
        parameters=DetailsParameters,
        responses={200: DetailedStats},
    ),
)
"""What this module answers."""
