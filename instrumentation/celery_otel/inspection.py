"""Asks the workers of an application what they are doing: one broadcast, and the answers of all who are there.

Every worker answers a ping. One that is instrumented answers with its report; of the others Celery's own commands are
asked, all of them at once by name, so that none is asked in vain.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from celery import Celery
from kombu.connection import Connection

from celery_otel.worker_answer import STATES, EndedTask, HeldTask, WorkerAnswer
from celery_otel.worker_reading import COMMANDS, of_commands, of_report

__all__ = ["ARGUMENT", "STATES", "EndedTask", "HeldTask", "Inspection", "WorkerAnswer"]

ARGUMENT = "celery_otel"
"""The argument of a ping that asks for a report, and its key in the answer: see `hooks.control`."""

Json = dict[str, Any]
Clock = Callable[[], float]

logger = logging.getLogger("celery_otel")

_UNREADABLE = (
    "Worker %s answered with a report that cannot be read (%s), of another version of celery-otel perhaps: "
    "it is asked by Celery's own commands."
)
_NO_LIMIT = 0
"""Celery takes None for the number of the destinations, and would stop after so many replies, whoever sent them."""


class Inspection:
    """Asks the workers of one application. For one thread at a time.

    Args:
        app: The application.
        wall: Gives the Unix time.
    """

    def __init__(self, app: Celery, wall: Clock = time.time) -> None:
        self._app = app
        self._wall = wall
        self._unreadable: set[str] = set()

    def ask(
        self, connection: Connection, *, timeout: float, expected: Collection[str] = (), since: Mapping[str, float]
    ) -> list[WorkerAnswer]:
        """Asks all workers.

        Args:
            connection: A connection to the broker.
            timeout: Seconds to wait for a next answer.
            expected: Node names: when all of them have answered, nobody else is waited for.
            since: For each worker when the last of its ended attempts ended that is known already.
        """
        replies = self._broadcast("ping", connection, timeout, {ARGUMENT: {"since": dict(since)}}, expected)
        read = (self._read(name, answer, replies.arrivals[name]) for name, answer in replies.answers.items())
        told = {answer.name: answer for answer in read if answer is not None}
        told.update(self._ask_plain([name for name in replies.answers if name not in told], connection, timeout))
        return [told[name] for name in sorted(told)]

    def command(
        self, command: str, connection: Connection, *, timeout: float, expected: Collection[str] = (), **arguments: Any
    ) -> dict[str, Any]:
        """Sends any of Celery's own commands to all workers; returns the answers by node name.

        It waits until all who are expected have answered, or until no answer came for `timeout` seconds.
        """
        return self._broadcast(command, connection, timeout, arguments, expected).answers

    def _broadcast(
        self,
        command: str,
        connection: Connection,
        timeout: float,
        arguments: Json,
        expected: Collection[str],
        **how: Any,
    ) -> "_Replies":
        """Sends a command; `how` is what else Celery's broadcast takes: `destination`."""
        replies = _Replies(expected, self._wall)
        self._app.control.broadcast(
            command,
            arguments=arguments,
            connection=connection,
            reply=True,
            timeout=timeout,
            limit=_NO_LIMIT,
            callback=replies,
            **how,
        )
        return replies

    def _ask_plain(self, names: list[str], connection: Connection, timeout: float) -> dict[str, WorkerAnswer]:
        if not names:
            return {}
        found = {
            command: self._broadcast(command, connection, timeout, {}, names, destination=names).answers
            for command in COMMANDS
        }
        return {name: of_commands(name, {command: found[command].get(name) for command in COMMANDS}) for name in names}

    def _read(self, name: str, answer: Any, arrived: float) -> WorkerAnswer | None:
        """The answer of an instrumented worker; None if it is not, or if its report cannot be read."""
        report = answer.get(ARGUMENT) if isinstance(answer, dict) else None
        if not isinstance(report, dict):
            return None
        try:
            return of_report(name, report, arrived)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._complain(name, error)
            return None

    def _complain(self, name: str, error: Exception) -> None:
        if name not in self._unreadable:
            self._unreadable.add(name)
            logger.warning(_UNREADABLE, name, repr(error))


class _Replies:
    """Takes the replies to one broadcast, the first under each name, and ends the wait when all expected are here.

    Args:
        expected: Node names; without any nothing but the timeout ends it.
        wall: Gives the Unix time.
    """

    def __init__(self, expected: Collection[str], wall: Clock) -> None:
        self._missing = set(expected)
        self._ends = bool(expected)
        self._wall = wall
        self.answers: dict[str, Any] = {}
        self.arrivals: dict[str, float] = {}

    def __call__(self, reply: Json) -> None:
        """Takes one.

        Raises:
            TimeoutError: Nobody is waited for any more: kombu, which calls this, ends its wait as if time were up.
        """
        now = self._wall()
        for name, answer in reply.items():
            self.answers.setdefault(name, answer)
            self.arrivals.setdefault(name, now)
        self._missing.difference_update(reply)
        if self._ends and not self._missing:
            # Once only: of AMQP others may come while kombu cancels its consumer, where this would be an error.
            self._ends = False
            raise TimeoutError("all who are expected have answered")
