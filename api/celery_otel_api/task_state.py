"""`GET tasks/{task_id}/status`: what is known of one task, and who said it."""

import asyncio
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from celery_otel_api.cluster import Cluster
from celery_otel_api.errors import BrokerUnreachableError
from celery_otel_api.freshness import age_of, cluster_of_request, fresh_fields, json_response, may
from celery_otel_api.operation import API, Operation, Scope
from celery_otel_api.queue_search import Found, search
from celery_otel_api.result_readers import TooManyReadersError
from celery_otel_api.results import Stored, stored
from celery_otel_api.shown import shown
from celery_otel_api.snapshot import Snapshot
from celery_otel_api.task_facts import TaskFacts, in_queue, known, last_heard, unknown
from celery_otel_api.task_state_schemas import ResultBackend, TaskError, TaskState, TaskStateParameters

_LEAST = 0.5
"""Seconds that each is given, also when those before have used up the deadline."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking everyone for a task.

    Attributes:
        snapshot: What the workers said.
        stored: What the result backend said.
        facts: What follows from it.
    """

    snapshot: Snapshot
    stored: Stored
    facts: TaskFacts


async def task_status(request: Request, parameters: TaskStateParameters) -> Response:
    """Answers with the state of one task."""
    cluster = cluster_of_request(request)
    asked = await ask(cluster, parameters.task_id, fresh=parameters.fresh)
    status = _status(cluster, parameters.task_id, asked, results=may(request, Scope.RESULTS))
    return json_response(status.model_dump_json(), age_of(cluster))


async def ask(cluster: Cluster, task_id: str, *, fresh: bool = True) -> Asked:
    """Asks everyone for a task: the workers, then the result backend, then the queues if these know nothing.

    In this order: a task that ends meanwhile has its result stored before its worker notes its end.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + cluster.settings.deadline
    snapshot = await cluster.snapshots.get(fresh=fresh)
    result = await _stored(cluster, task_id, max(_LEAST, end - clock()))
    facts = known(task_id, snapshot, result)
    if facts is not None:
        return Asked(snapshot, result, facts)
    found = await _search(cluster, snapshot, task_id, max(_LEAST, end - clock()))
    facts = in_queue(found, snapshot) or last_heard(task_id, snapshot.members) or unknown(snapshot, result, found)
    return Asked(snapshot, result, facts)


async def _stored(cluster: Cluster, task_id: str, within: float) -> Stored:
    try:
        return await asyncio.wait_for(cluster.readers.read(partial(stored, cluster.app, task_id)), within)
    except TimeoutError:
        return Stored(configured=True, reason="The result backend did not answer in time.")
    except TooManyReadersError as error:
        return Stored(configured=True, reason=str(error))


async def _search(cluster: Cluster, snapshot: Snapshot, task_id: str, within: float) -> Found:
    if not snapshot.broker_connected:
        return Found(searched=False)
    consumed = {queue for answer in snapshot.answers for queue in answer.queues}
    queues = sorted(consumed | {str(name) for name in cluster.app.amqp.queues} | set(cluster.settings.queues))
    try:
        return await asyncio.wait_for(asyncio.to_thread(search, cluster.app, queues, task_id, within), within)
    except (TimeoutError, BrokerUnreachableError):
        return Found(searched=False)


def _status(cluster: Cluster, task_id: str, asked: Asked, *, results: bool) -> TaskState:
    facts = asked.facts
    return TaskState(
        **fresh_fields(cluster, asked.snapshot),
        task_id=task_id,
        task_name=facts.task_name or None,
        state=facts.state,
        ready=facts.ready,
        successful=facts.state == "SUCCESS" if facts.ready else None,
        result=shown(asked.stored.result) if results else None,
        results_shown=results,
        where=facts.where,
        error=_error(asked, results=results),
        source=facts.source,
        explanation=facts.explanation,
        result_backend=ResultBackend(
            configured=asked.stored.configured, answered=asked.stored.answered, reason=asked.stored.reason or None
        ),
    )


def _error(asked: Asked, *, results: bool) -> TaskError | None:
    if not asked.facts.error_type:
        return None
    stored_error = asked.stored.error
    return TaskError(
        type=asked.facts.error_type,
        message=stored_error.message if results and stored_error else None,
        traceback=asked.stored.traceback if results else None,
    )


OPERATIONS = (
    Operation(
        f"{API}/tasks/{{task_id}}/status",
        task_status,
        "The state of one task: where it is, or how it ended, and who said so",
        "Asks the workers, the result backend, the attempts that instrumented workers remember, and the queues where "
        "these can be looked at. A task that nobody knows has the state UNKNOWN; that is an answer and no error.",
        parameters=TaskStateParameters,
        responses={200: TaskState},
    ),
)
"""What this module answers."""
