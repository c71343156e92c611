"""Sends the plan, interleaved by a seed, and acts at the right moments: it waits for signs, never for time.

Each occurrence of an outcome is a generator: what stands before a `yield` is done, the yielded condition is
awaited, and then the generator goes on. The driver plays hundreds of them at once.
"""

import random
import time
import uuid
from collections.abc import Callable, Generator, Iterable
from typing import Any

from celery import Celery
from celery.canvas import Signature

from celery_otel_pipeline.polling import wait_until
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.journal import Journal

Condition = Callable[[], object]
Steps = Generator[Condition, None, None]

#: How long the driver waits for a sign, in seconds.
PATIENCE = 45.0
#: How long workers have to answer one control command, in seconds.
ANSWER_TIME = 1.0
#: Where a task runs in the worker itself, Celery lists these as active long after their end.
LOST_TRACK = {"ledger.sys_exit", "ledger.memory_error"}


class Stage:
    """What an occurrence needs to act: the producer's application, the journal, the queues.

    Args:
        app: A Celery application connected to the run's broker and result backend.
        conditions: How the workers run.
        journal: The marks that tasks leave.
        workers: How many workers are up; it changes when one is stopped or started.
    """

    def __init__(self, app: Celery, conditions: Conditions, journal: Journal, workers: int = 2) -> None:
        self.app = app
        self.conditions = conditions
        self.journal = journal
        self.workers = workers
        self.revoked_ahead: list[str] = []
        self._connection_errors = app.connection_for_write().connection_errors

    def send(self, name: str, *args: object, **options: Any) -> str:
        """Send a task to the common queue (or `queue=`); returns its id."""
        options.setdefault("queue", self.conditions.queue)
        return str(self.app.send_task(name, args=args, **options).id)

    def signature(self, name: str, *args: object) -> Signature:
        """A signature for canvas, bound to the common queue."""
        return self.app.signature(name, args=args, queue=self.conditions.queue)

    def send_as_written(self, name: str, *, task_id: str = "", **fields: Any) -> str:
        """Send a task message with these fields and no broker expiry, as `apply_async` would not let us."""
        identifier = task_id or str(uuid.uuid4())
        message = self.app.amqp.as_task_v2(identifier, name, **fields)
        with self.app.producer_or_acquire(None) as producer:
            self.app.amqp.send_task_message(producer, name, message, queue=self.conditions.queue)
        return identifier

    def publish(self, body: str | bytes, content_type: str, headers: dict[str, Any] | None = None) -> None:
        """Put a message into the common queue that Celery did not write."""
        with self.app.producer_or_acquire(None) as producer:
            producer.publish(
                body,
                exchange="",
                routing_key=self.conditions.queue,
                content_type=content_type,
                content_encoding="utf-8",
                headers=headers or {},
                retry=True,
            )

    def revoke_ahead(self, number: int) -> None:
        """Have every worker know these many ids as revoked before their tasks are sent."""
        ids = [str(uuid.uuid4()) for _ in range(number)]
        self.confirmed("revoke", task_id=ids)
        self.revoked_ahead.extend(ids)

    def revoke(self, task_id: str, signal: str = "") -> None:
        """Revoke a task; with a signal, terminate it."""
        extra = {"terminate": True, "signal": signal} if signal else {}
        self.app.control.broadcast("revoke", arguments={"task_id": task_id, **extra})

    def asked(self, command: str, **arguments: Any) -> list[Any]:
        """Send a control command; returns every worker's answer, or nothing when one did not answer in time."""
        try:
            replies = self.app.control.broadcast(
                command, arguments=arguments, reply=True, timeout=ANSWER_TIME, limit=self.workers
            )
        except self._connection_errors:
            # A connection of ours that a broker's restart has broken: the next one is new.
            return []
        answers = [answer for reply in replies or () for answer in reply.values()]
        return answers if len(answers) == self.workers else []

    def confirmed(self, command: str, **arguments: Any) -> list[Any]:
        """Send a control command until every worker has answered it."""
        return wait_until(
            lambda: self.asked(command, **arguments),
            deadline=PATIENCE,
            message=f"not every one of {self.workers} workers answered the command {command}",
        )

    def waiting(self, ids: Iterable[str]) -> bool:
        """Whether the workers hold all of these for their ETA."""
        held = {task["request"]["id"] for tasks in self.asked("scheduled") for task in tasks}
        return held >= set(ids)

    def forgotten(self, ids: list[str]) -> bool:
        """Whether every worker has ended these tasks, as Celery itself keeps its books."""
        return self.asked("query_task", ids=ids) == [{}] * self.workers

    def runs(self, task_id: str) -> bool:
        """Whether a worker knows that this task runs in one of its slots."""
        return any("active" in found for answer in self.asked("query_task", ids=[task_id]) for found in answer.values())

    def state(self, task_id: str) -> str:
        """The task's state in the result backend."""
        return str(self.app.backend.get_state(task_id))

    def idle(self) -> bool:
        """Whether nothing waits in the queues and no worker holds anything, as Celery itself says."""
        if self.queued():
            return False
        held = [self.asked(command) for command in ("active", "reserved", "scheduled")]
        return all(len(answers) == self.workers and not any(map(_real, answers)) for answers in held)

    def queued(self) -> int:
        """How many messages wait in the run's queues."""
        return sum(map(self.length, self.conditions.queues))

    def redeliver(self, before: float) -> None:
        """Have the broker deliver again what it delivered before this Unix time and nobody acknowledged.

        RabbitMQ does so by itself. On Redis a client does it when the visibility timeout is over, an hour by default:
        this is that client, without the hour.
        """
        if self.conditions.broker != "redis":
            return
        with self.app.connection_for_write() as connection, connection.channel() as channel:
            channel.visibility_timeout = time.time() - before
            channel.qos.restore_visible(num=1000, interval=1)

    def length(self, queue: str) -> int:
        """How many messages wait in this queue; none if nobody has made it yet."""
        with self.app.connection_for_write() as connection, connection.channel() as channel:
            try:
                return int(channel.queue_declare(queue, passive=True).message_count)
            except connection.channel_errors:
                return 0


def _real(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tasks of an answer without those that Celery has lost track of and lists for ever."""
    return [task for task in tasks if task.get("name") not in LOST_TRACK]


class Driver:
    """Plays occurrences in an order that a seed decides, each as far as the signs allow.

    Args:
        seed: Decides the order; printed with the table, so that a run can be repeated.
        patience: How long it waits for the signs, in seconds.
    """

    def __init__(self, seed: int, patience: float = PATIENCE) -> None:
        self.seed = seed
        self._patience = patience

    def play(self, occurrences: Iterable[tuple[str, Steps]]) -> None:
        """Start all occurrences, interleaved, and go on with each until its end.

        Raises:
            DeadlineError: a sign did not come; the message names the occurrences that wait.
        """
        order = list(occurrences)
        random.Random(self.seed).shuffle(order)
        waiting = [(name, steps, condition) for name, steps in order if (condition := next(steps, None))]

        def finished() -> bool:
            waiting[:] = [step for entry in waiting if (step := _advance(*entry))]
            return not waiting

        wait_until(
            finished, deadline=self._patience, message=lambda: f"still waiting: {sorted(name for name, *_ in waiting)}"
        )


def _advance(name: str, steps: Steps, condition: Condition) -> tuple[str, Steps, Condition] | None:
    """Take one occurrence as far as it goes now; None when it is over."""
    current: Condition | None = condition
    while current and current():
        current = next(steps, None)
    return (name, steps, current) if current else None
