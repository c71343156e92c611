"""What workers hold of each queue, from their own answers."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from celery_otel.inspection import STATES, WorkerAnswer
from celery_otel_api.fleet import Member, Presence
from celery_otel_api.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Held:
    """What workers hold of all queues in one state.

    Attributes:
        counts: How many tasks of each queue.
        uncertain: The queues of which that cannot be told, and why.
    """

    counts: Mapping[str, int]
    uncertain: Mapping[str, str]

    def of(self, queue: str) -> tuple[int | None, str]:
        """How many of a queue, or why that is not known."""
        reason = self.uncertain.get(queue, "")
        return (None, reason) if reason else (self.counts.get(queue, 0), "")


def held_by_queue(snapshot: Snapshot, by_routing_key: Mapping[str, str]) -> dict[str, Held]:
    """What the workers that have answered hold, by state.

    Args:
        snapshot: Their answers.
        by_routing_key: Names of queues by routing keys, where these differ.
    """
    return {state: _held(snapshot.answers, state, by_routing_key) for state in STATES}


def consumers(snapshot: Snapshot, queue: str) -> Iterator[Member]:
    """The workers that consume a queue: those that say so, and silent ones that said so last."""
    here = (Presence.ONLINE, Presence.SILENT)
    for member in snapshot.members:
        if member.presence in here and member.answer is not None and queue in member.answer.queues:
            yield member


def _held(answers: tuple[WorkerAnswer, ...], state: str, by_routing_key: Mapping[str, str]) -> Held:
    counts: Counter[str] = Counter()
    uncertain: dict[str, str] = {}
    for answer in answers:
        listed = Counter(_queue(task.queue, answer, by_routing_key) for task in answer.tasks if task.state == state)
        number = answer.counts.get(state)
        if number is None:
            uncertain.update(dict.fromkeys(answer.queues, f"{answer.name} did not tell its {state} tasks."))
        elif number <= listed.total():
            counts.update(listed)
        elif len(answer.queues) == 1:
            counts[answer.queues[0]] += number
        else:
            reason = f"{answer.name} holds {number} tasks of several queues and lists only some of them."
            uncertain.update(dict.fromkeys(answer.queues, reason))
    return Held(counts, uncertain)


def _queue(key: str, answer: WorkerAnswer, by_routing_key: Mapping[str, str]) -> str:
    return key if key in answer.queues else by_routing_key.get(key, key)
