"""One picture of the cluster, taken for all who ask: never two at once, and not more often than the settings allow."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from celery import Celery

from celery_otel.inspection import EndedTask, HeldTask, Inspection, WorkerAnswer
from celery_otel_api.broker import broker_connection
from celery_otel_api.ended_attempts import EndedAttempts
from celery_otel_api.errors import BrokerUnreachableError
from celery_otel_api.fleet import Fleet, Member, Presence
from celery_otel_api.keeper import Keeper
from celery_otel_api.settings import ApiSettings

EVERYBODY = 10.0
"""Seconds after which nobody in particular is expected, once."""


@dataclass(frozen=True)
class Snapshot:
    """The cluster at one moment.

    Attributes:
        taken_at: The Unix time when the last answer was in.
        broker_connected: Whether the broker could be asked. If not, nothing is known of workers.
        reason: Why not; empty if it could.
        members: Every worker that is expected or has answered.
        ended: Attempts that ended lately in instrumented workers, the newest first.
        rendered: What has been made of this snapshot, for those who ask for the same again.
    """

    taken_at: float
    broker_connected: bool
    reason: str = ""
    members: tuple[Member, ...] = ()
    ended: tuple[EndedTask, ...] = ()
    rendered: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def answers(self) -> tuple[WorkerAnswer, ...]:
        """What the workers said that have answered this time."""
        return tuple(
            member.answer for member in self.members if member.presence is Presence.ONLINE and member.answer is not None
        )

    @cached_property
    def tasks(self) -> tuple[HeldTask, ...]:
        """What these hold, in an order that stays: by worker, state, start or ETA, and id."""
        held = (task for answer in self.answers for task in answer.tasks)
        return tuple(sorted(held, key=_order))

    def named(self, presence: Presence) -> list[str]:
        """The node names of workers of which just this is known."""
        return [member.name for member in self.members if member.presence is presence]


def _order(task: HeldTask) -> tuple[str, str, float, str]:
    return task.worker, task.state, task.time_start or task.eta or 0.0, task.task_id


class Surveyor:
    """Takes snapshots, one at a time. It blocks: `SnapshotKeeper` calls it in a thread.

    Args:
        app: The application.
        settings: The options.
        fleet: Who is expected.
        wall: Gives the Unix time.
        monotonic: The time.
        everybody: After so many seconds whoever is there is waited for again, for only so a worker is found that is
            new or slower than those who are expected, and sends no heartbeats.
    """

    def __init__(
        self,
        app: Celery,
        settings: ApiSettings,
        fleet: Fleet,
        wall: Callable[[], float] = time.time,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        everybody: float = EVERYBODY,
    ) -> None:
        self._app = app
        self._settings = settings
        self._fleet = fleet
        self._wall = wall
        self._inspection = Inspection(app, wall)
        self._monotonic = monotonic
        self._everybody = everybody
        self._everybody_at = float("-inf")
        self._ended = EndedAttempts()

    def __call__(self) -> Snapshot:
        """Asks the broker and all workers."""
        asked_at = self._fleet.asking()
        try:
            answers = self._ask()
        except BrokerUnreachableError as error:
            members, ended = self._fleet.members((), asked=False), self._ended.newest_first()
            return Snapshot(self._wall(), broker_connected=False, reason=str(error), members=members, ended=ended)
        self._fleet.answered(answers, asked_at)
        now = self._wall()
        self._ended.add(answers, now)
        members = self._fleet.members([answer.name for answer in answers], asked=True)
        return Snapshot(now, broker_connected=True, members=members, ended=self._ended.newest_first())

    def _ask(self) -> list[WorkerAnswer]:
        since = self._ended.since()
        with broker_connection(self._app, self._settings.deadline) as connection:
            return self._inspection.ask(
                connection, timeout=self._settings.inspect_timeout, expected=self._expected(), since=since
            )

    def _expected(self) -> frozenset[str]:
        """Who ends the wait: now and then nobody."""
        now = self._monotonic()
        if now - self._everybody_at < self._everybody:
            return self._fleet.expected
        self._everybody_at = now
        return frozenset()


class SnapshotKeeper(Keeper[Snapshot]):
    """Keeps the newest snapshot, for one event loop.

    Args:
        survey: Takes one; it may block.
        interval: Seconds between two of them, at least.
        deadline: Seconds that anybody waits for one.
        monotonic: The time.
    """

    def __init__(
        self,
        survey: Callable[[], Snapshot],
        *,
        interval: float,
        deadline: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        nothing = Snapshot(0.0, broker_connected=False, reason="The workers have not been asked yet.")
        super().__init__(survey, nothing, interval=interval, deadline=deadline, monotonic=monotonic)
