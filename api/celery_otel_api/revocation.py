"""Revokes a task in all workers and, if it is to be terminated, waits for its end. It blocks: call it in a thread."""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from celery import Celery
from kombu.connection import Connection

from celery_otel.inspection import EndedTask, Inspection, WorkerAnswer
from celery_otel_api.broker import broker_connection, failures_told
from celery_otel_api.errors import BrokerUnreachableError, RevokeUnknownError

_PAUSE = 0.5
"""Seconds between two looks: each takes every worker's report, which of 10 000 tasks costs it CPU."""
_SHORTEST = 0.1
logger = logging.getLogger("celery_otel_api")
_TERMINATED = "terminate: "
"""How a worker begins its answer that had something to terminate."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done.

    Attributes:
        task_id: The task.
        terminate: Whether to end the process that runs it.
        signal: The name of the signal for that.
        expected: Node names of the workers that should answer.
        holders: Those that hold it, as far as known.
        ended: Its attempts that had ended before.
    """

    task_id: str
    terminate: bool
    signal: str
    expected: Collection[str]
    holders: Collection[str]
    ended: Collection[EndedTask]


@dataclass(frozen=True, slots=True)
class Answered:
    """What the workers answered.

    Attributes:
        confirmed: Node names of those that will refuse the task.
        refused: The errors of those that could not do it.
        holders: Those that held it.
        terminated: Whether it has ended; None unless it was to be terminated.
    """

    confirmed: tuple[str, ...]
    refused: Mapping[str, str]
    holders: tuple[str, ...]
    terminated: bool | None


class Revoker:
    """Revokes tasks of one application.

    Args:
        app: The application.
        patience: Seconds to wait for the next worker's answer.
        deadline: Seconds for everything.
        monotonic: The time.
        sleep: Lets time pass.
    """

    def __init__(
        self,
        app: Celery,
        patience: float,
        deadline: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._app = app
        self._patience = patience
        self._deadline = deadline
        self._monotonic = monotonic
        self._sleep = sleep

    def __call__(self, order: Order) -> Answered:
        """Does it.

        Raises:
            BrokerUnreachableError: The broker does not answer, and nothing was sent.
            RevokeUnknownError: The connection broke when the request may have been sent.
        """
        end = self._monotonic() + self._deadline
        with broker_connection(self._app, self._deadline) as connection:
            try:
                with failures_told(connection):
                    answers = self._send(connection, order)
            except BrokerUnreachableError as error:
                raise RevokeUnknownError(str(error)) from error
            confirmed, refused = _sorted_out(answers)
            holders = {*order.holders, *_terminating(answers)}
            if not order.terminate:
                return Answered(confirmed, refused, tuple(sorted(holders)), None)
            waited_for = holders & set(confirmed)
            ended = bool(waited_for) and self._wait(connection, order, waited_for, end)
            return Answered(confirmed, refused, tuple(sorted(holders)), ended)

    def _send(self, connection: Connection, order: Order) -> dict[str, Any]:
        return Inspection(self._app).command(
            "revoke",
            connection,
            timeout=self._patience,
            expected=order.expected,
            task_id=order.task_id,
            terminate=order.terminate,
            signal=order.signal,
        )

    def _wait(self, connection: Connection, order: Order, holders: Collection[str], end: float) -> bool:
        """Whether it was seen to end; what was confirmed before stays true if the broker goes away."""
        try:
            with failures_told(connection):
                return self._look(connection, order, holders, end)
        except BrokerUnreachableError as error:
            logger.warning("Whether task %r has ended cannot be seen. %s", order.task_id, error)
            return False

    def _look(self, connection: Connection, order: Order, holders: Collection[str], end: float) -> bool:
        inspection = Inspection(self._app)
        while (left := end - self._monotonic()) > 0:
            timeout = max(_SHORTEST, min(self._patience, left))
            answers = inspection.ask(connection, timeout=timeout, expected=order.expected, since={})
            ended = verdict(order, holders, answers)
            if ended is not None:
                return ended
            self._sleep(_PAUSE)
        return False


def _sorted_out(answers: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, str]]:
    refused = {name: str(answer["error"]) for name, answer in answers.items() if _has(answer, "error")}
    return tuple(sorted(answers.keys() - refused.keys())), refused


def _has(answer: Any, key: str) -> bool:
    return isinstance(answer, Mapping) and key in answer


def _terminating(answers: Mapping[str, Any]) -> set[str]:
    said = {name: str(answer["ok"]) for name, answer in answers.items() if _has(answer, "ok")}
    return {name for name, text in said.items() if text.startswith(_TERMINATED) and not text.endswith("tasks unknown")}


def verdict(order: Order, holders: Collection[str], answers: Collection[WorkerAnswer]) -> bool | None:
    """Whether a task that was terminated has ended; None if that cannot be said yet.

    A worker forgets such a task at once, before its process is gone, and a signal such as SIGINT may not end it. So an
    instrumented worker has to have noted its end; of any other that it holds the task no more is all that it says.
    """
    if any(task.task_id == order.task_id and task.status != "retry" for task in _new(order, answers)):
        return True
    theirs = [answer for answer in answers if answer.name in holders]
    states = {task.state for answer in theirs for task in answer.tasks if task.task_id == order.task_id}
    if states and "active" not in states:
        # It waits: there is nothing to end, and the worker will refuse it when its turn comes.
        return False
    if states or len(theirs) < len(holders) or any(answer.instrumented for answer in theirs):
        return None
    return True


def _new(order: Order, answers: Collection[WorkerAnswer]) -> list[EndedTask]:
    return [task for answer in answers for task in answer.ended if task not in order.ended]
