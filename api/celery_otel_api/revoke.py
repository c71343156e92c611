"""`POST tasks/{task_id}/revoke`: stops a task, and says who has confirmed that."""

import asyncio
import logging
import time
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from celery_otel_api.cluster import Cluster
from celery_otel_api.errors import BrokerUnreachableError, RevokeUnknownError
from celery_otel_api.freshness import cluster_of_request, json_response, rfc3339
from celery_otel_api.operation import API, Operation, Scope
from celery_otel_api.problems import Problem, ProblemError
from celery_otel_api.revocation import Answered, Order, Revoker
from celery_otel_api.revoke_schemas import Revocation, RevokeParameters
from celery_otel_api.task_facts import end_noted
from celery_otel_api.task_state import Asked, ask

logger = logging.getLogger("celery_otel_api")
REVOKED = "REVOKED"
RETRY_AFTER = {"Retry-After": "5"}
_NOTHING = "Nothing was revoked: try again when the broker is back."
_PERHAPS = "Whether it was revoked is not known: look at the task's state, and ask again."


async def revoke(request: Request, parameters: RevokeParameters) -> Response:
    """Revokes a task."""
    try:
        status, revocation = await _revoke(cluster_of_request(request), parameters)
    except ProblemError as problem:
        _log(request, parameters, problem.status, problem.kind)
        raise
    _log(request, parameters, status, f"was {revocation.state}, confirmed by {', '.join(revocation.confirmed)}")
    return json_response(revocation.model_dump_json(), None, status)


async def _revoke(cluster: Cluster, parameters: RevokeParameters) -> tuple[int, Revocation]:
    before = await ask(cluster, parameters.task_id)
    _refuse_finished(before, parameters)
    if not before.snapshot.broker_connected:
        raise _unreachable(before.snapshot.reason, _NOTHING)
    order = _order(cluster, before, parameters)
    answered = await _answers(cluster, order)
    silent = sorted(set(order.expected) - set(answered.confirmed) - set(answered.refused))
    if not answered.confirmed and not answered.refused:
        raise _nobody(parameters, silent)
    return _said(before, answered, parameters, silent)


def _refuse_finished(before: Asked, parameters: RevokeParameters) -> None:
    state = before.facts.state
    if not before.facts.ready or state == REVOKED:
        return
    detail = f"The task has ended already: {state}. {before.facts.explanation} There is nothing left to revoke."
    raise ProblemError(
        409, "task-finished", "The task has ended already", detail, task_id=parameters.task_id, state=state
    )


def _unreachable(reason: str, outcome: str) -> ProblemError:
    return ProblemError(503, "broker-unreachable", "The broker is away", f"{reason} {outcome}", headers=RETRY_AFTER)


def _nobody(parameters: RevokeParameters, silent: list[str]) -> ProblemError:
    detail = (
        "No worker answered in time. Those that are busy or come back soon may still do it, for the request is sent; "
        "look at workers/status, and ask again."
    )
    task_id = parameters.task_id
    return ProblemError(504, "nobody-answered", "No worker answered", detail, task_id=task_id, silent=silent)


def _order(cluster: Cluster, before: Asked, parameters: RevokeParameters) -> Order:
    return Order(
        parameters.task_id,
        parameters.terminate,
        parameters.signal,
        expected=cluster.fleet.expected,
        holders=before.facts.holders,
        ended=[task for task in before.snapshot.ended if task.task_id == parameters.task_id],
    )


async def _answers(cluster: Cluster, order: Order) -> Answered:
    settings = cluster.settings
    revoker = Revoker(cluster.app, settings.inspect_timeout, settings.deadline)
    try:
        # Twice: once for the connection, once for the workers.
        return await asyncio.wait_for(asyncio.to_thread(revoker, order), 2 * settings.deadline)
    except BrokerUnreachableError as error:
        raise _unreachable(str(error), _NOTHING) from error
    except RevokeUnknownError as error:
        raise _unreachable(str(error), _PERHAPS) from error
    except TimeoutError:
        raise _unreachable(f"The broker did not answer within {2 * settings.deadline:g} s.", _PERHAPS) from None


def _said(before: Asked, answered: Answered, parameters: RevokeParameters, silent: list[str]) -> tuple[int, Revocation]:
    memory = {answer.name: answer.remembers_revokes for answer in before.snapshot.answers}
    remembered = {name: memory.get(name) for name in answered.confirmed}
    revocation = Revocation(
        timestamp=rfc3339(time.time()),
        task_id=parameters.task_id,
        state=before.facts.state,
        confirmed=list(answered.confirmed),
        silent=silent,
        refused=dict(answered.refused),
        terminated=answered.terminated,
        remembered=remembered,
        detail=" ".join(_detail(before, answered, silent, remembered)),
    )
    return 200 if _done(before, answered, silent, parameters.task_id) else 202, revocation


def _done(before: Asked, answered: Answered, silent: list[str], task_id: str) -> bool:
    if answered.terminated or _holder_confirmed(answered):
        return True
    # Any worker may have noted the revoke in the result backend: those that are silent may still run the task.
    return before.facts.state == REVOKED and (not silent or end_noted(task_id, before.snapshot))


def _holder_confirmed(answered: Answered) -> bool:
    return bool(set(answered.holders) & set(answered.confirmed))


def _detail(before: Asked, answered: Answered, silent: list[str], remembered: dict[str, bool | None]) -> Iterable[str]:
    yield _outcome(before, answered)
    if answered.refused:
        yield f"{_named(answered.refused)} could not do it: a pool of this kind may not be able to end a task."
    if silent:
        yield f"{_named(silent)} did not answer and may still run it: ask again."
    forgetful = [name for name, remembers in remembered.items() if remembers is False]
    if forgetful:
        yield f"{_named(forgetful)} will have forgotten this after a restart: start workers with --statedb to keep it."


def _outcome(before: Asked, answered: Answered) -> str:  # noqa: PLR0911  # one sentence for each case
    state, holders = before.facts.state, _named(answered.holders)
    if answered.terminated:
        return "The task has ended."
    if state == REVOKED:
        return "The task was revoked before; the workers were asked again."
    if not answered.holders:
        return f"No worker holds the task ({before.facts.explanation}) Those that confirmed will refuse it."
    if not _holder_confirmed(answered):
        return f"{holders} held the task and has not confirmed."
    if answered.terminated is None and state not in ("RESERVED", "SCHEDULED"):
        return f"{holders} runs the task and will let it end: terminate=true ends it. It would refuse to run it again."
    if state in ("RESERVED", "SCHEDULED"):
        return f"{holders} holds the task, which has not begun, and will refuse it when its turn comes."
    return f"{holders} was told to end the task, and its end was not seen in time: look at its state."


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _log(request: Request, parameters: RevokeParameters, status: int, outcome: str) -> None:
    user = request.scope.get("user")
    name = getattr(user, "display_name", user)
    logger.info(
        "Revoke of task %r (terminate=%s, signal=%s) by %r from %s: %d, %s",
        parameters.task_id,
        parameters.terminate,
        parameters.signal,
        name,
        request.client.host if request.client else None,
        status,
        outcome,
    )


OPERATIONS = (
    Operation(
        f"{API}/tasks/{{task_id}}/revoke",
        revoke,
        "Revoke a task: no worker will begin it, and with terminate the one that runs it ends it",
        "Every worker is asked to confirm. 200: a worker that holds it has confirmed, or it has ended, or it was "
        "revoked before and every worker has answered. 202: no worker that answered holds it, and those that answered "
        "will refuse it. 409: it had ended before. 503: the broker is away; the detail says whether anything may have "
        "been revoked. 504: no worker answered. Asking again does no harm.",
        method="POST",
        scope=Scope.CONTROL,
        parameters=RevokeParameters,
        responses={200: Revocation, 202: Revocation, 409: Problem, 503: Problem, 504: Problem},
    ),
)
"""What this module answers."""
