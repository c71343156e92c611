"""Keeps the attempts that ended last in all workers, in the order of our clock: those of the workers may be wrong."""

from collections.abc import Iterable

from celery_otel.inspection import EndedTask, WorkerAnswer

MOST_ENDED = 2_000
"""Ended attempts that are kept, of all workers together."""


class EndedAttempts:
    """What ended lately, each attempt once. For one thread at a time."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, int, float], tuple[float, EndedTask]] = {}

    def add(self, answers: Iterable[WorkerAnswer], now: float) -> None:
        """Adds what workers have told; of more than `MOST_ENDED` the oldest go.

        Args:
            answers: Theirs.
            now: The Unix time by our clock.
        """
        for answer in answers:
            ahead = answer.clock_difference or 0.0
            for task in answer.ended:
                # As it was told first: later the worker's clock may have been set right.
                self._kept.setdefault(_key(task), (min(task.ended_at - ahead, now), task))
        newest = sorted(self._kept.items(), key=lambda item: -item[1][0])
        self._kept = dict(newest[:MOST_ENDED])

    def newest_first(self) -> tuple[EndedTask, ...]:
        """All of them."""
        return tuple(task for _, task in self._kept.values())

    def since(self) -> dict[str, float]:
        """For each worker when the last of them ended, by its clock."""
        found: dict[str, float] = {}
        for _, task in self._kept.values():
            found[task.worker] = max(task.ended_at, found.get(task.worker, 0.0))
        return found


def _key(task: EndedTask) -> tuple[str, str, int, float]:
    return task.worker, task.task_id, task.retries, task.ended_at
