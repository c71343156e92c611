"""Which workers there should be: those that are configured, and those that were seen lately and did not say goodbye.

Times are monotonic, of this process: clocks of other hosts play no part in who is there.
"""

import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from celery_otel.inspection import WorkerAnswer


class Presence(StrEnum):
    """What is known of a worker now."""

    ONLINE = "online"
    """It has answered."""
    SILENT = "silent"
    """It has not answered, but its heart beats: its main process is busy, as a solo worker's is with a task."""
    OFFLINE = "offline"
    """It has not answered, and nothing has been heard of it."""
    UNKNOWN = "unknown"
    """Nobody could be asked: the broker is away."""


@dataclass(frozen=True, slots=True)
class Member:
    """One worker.

    Attributes:
        name: Its node name.
        presence: What is known of it now.
        since: For how many seconds, if it is not online; None for one that was never seen.
        answer: What it answered last; None for one that never did.
    """

    name: str
    presence: Presence
    since: float | None = None
    answer: WorkerAnswer | None = None


@dataclass(slots=True)
class _Seen:
    answer: WorkerAnswer | None = None
    answered_at: float | None = None
    beat_at: float | None = None
    alive_until: float = float("-inf")

    @property
    def last(self) -> float | None:
        times = [at for at in (self.answered_at, self.beat_at) if at is not None]
        return max(times, default=None)


class Fleet:
    """The workers that are expected, and when each was heard of. For any thread.

    Args:
        configured: Node names of workers that have to be there.
        forget_after: Seconds after which a worker that is away is not expected any more.
        fresh: Seconds for which a heartbeat says that a worker is alive, if it does not say itself.
        monotonic: The time.
    """

    def __init__(
        self, configured: Collection[str], forget_after: float, monotonic: Callable[[], float], *, fresh: float = 45.0
    ) -> None:
        self._configured = frozenset(configured)
        self._forget_after = forget_after
        self._fresh = fresh
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {name: _Seen() for name in configured}
        self._left: dict[str, float] = {}

    @property
    def expected(self) -> frozenset[str]:
        """The node names of who should answer."""
        with self._lock:
            self._forget()
            return frozenset(self._seen)

    def asking(self) -> float:
        """The moment before a question is sent, for `answered`."""
        return self._monotonic()

    def answered(self, answers: Iterable[WorkerAnswer], asked_at: float = float("inf")) -> None:
        """Notes who has answered: not those who have said goodbye since they were asked."""
        now = self._monotonic()
        with self._lock:
            for answer in answers:
                if self._left.get(answer.name, float("-inf")) >= asked_at:
                    continue
                seen = self._seen.setdefault(answer.name, _Seen())
                seen.answer, seen.answered_at = answer, now

    def beat(self, name: str, lasts: float | None = None, *, late: bool = False) -> None:
        """Notes a heartbeat.

        Args:
            name: The node name.
            lasts: Seconds for which it says that the worker is alive: more than until the next one.
            late: It may be from before a goodbye that has been heard already: that one is then believed.
        """
        now = self._monotonic()
        with self._lock:
            if late and self._has_just_left(name, now):
                return
            seen = self._seen.setdefault(name, _Seen())
            seen.beat_at = now
            seen.alive_until = max(seen.alive_until, now + (self._fresh if lasts is None else lasts))

    def _has_just_left(self, name: str, now: float) -> bool:
        left = self._left.get(name, float("-inf"))
        last = self._seen[name].last if name in self._seen else None
        return now - left < self._fresh and (last is None or last <= left)

    def left(self, name: str) -> None:
        """Notes a goodbye: it is not expected any more, unless it is configured."""
        with self._lock:
            self._left[name] = self._monotonic()
            if name in self._configured:
                self._seen[name].beat_at, self._seen[name].alive_until = None, float("-inf")
            else:
                self._seen.pop(name, None)

    def members(self, answered: Collection[str], *, asked: bool) -> tuple[Member, ...]:
        """Every worker that is expected or has answered.

        Args:
            answered: Who has answered this time.
            asked: Whether the workers could be asked at all.
        """
        now = self._monotonic()
        with self._lock:
            self._forget()
            return tuple(
                Member(
                    name, self._presence(seen, now, here=name in answered, asked=asked), _age(seen, now), seen.answer
                )
                for name, seen in sorted(self._seen.items())
            )

    def _presence(self, seen: _Seen, now: float, *, here: bool, asked: bool) -> Presence:
        if not asked:
            return Presence.UNKNOWN
        if here:
            return Presence.ONLINE
        return Presence.SILENT if now < seen.alive_until else Presence.OFFLINE

    def _forget(self) -> None:
        now = self._monotonic()
        for name, seen in list(self._seen.items()):
            last = seen.last
            if name not in self._configured and (last is None or now - last > self._forget_after):
                del self._seen[name]
        for name, at in list(self._left.items()):
            if now - at > self._forget_after:
                del self._left[name]


def _age(seen: _Seen, now: float) -> float | None:
    return None if seen.last is None else max(0.0, now - seen.last)
