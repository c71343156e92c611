"""Reads what is kept of a message's headers into what the ledger needs: labels, identity, and publish time."""

from hashlib import blake2b
from typing import Any

from celery_otel.core.attempt import Attempt
from celery_otel.core.labels import BoundedLabel
from celery_otel.hooks.queues import Queues
from celery_otel.message_headers import COUNTED
from celery_otel.untrusted import LONGEST, text

_LATEST = 2.0**53
"""The latest moment that is believed; beyond it a float does not even hold whole seconds."""


class Description:
    """Describes the attempts of one worker.

    Args:
        queues: Tells the queue of a message.
        task_label: Bounds the task names.

    Attributes:
        forgets: Nobody needs the headers afterwards, which may be large: as where there are no spans.
    """

    def __init__(self, queues: Queues, task_label: BoundedLabel) -> None:
        self._queues = queues
        self._task_label = task_label
        self.forgets = False

    def __call__(self, attempt: Attempt) -> None:
        """Reads the headers of an attempt, once: a sampler may have asked for it before."""
        if attempt.queue:
            return
        delivery, retries, replacements, published = attempt.headers[: len(COUNTED)]
        attempt.task = self._task_label[attempt.task]
        attempt.queue = self._queues.of_delivery(delivery)
        # The same when a message is delivered again. A replacement (`Task.replace`) keeps the id that it replaces.
        # What is kept of the id, too: an attempt is remembered for a while after its end.
        attempt.identity = (identified(attempt.id), identified(retries or 0), identified(replacements or 0))
        attempt.id = attempt.identity[0]
        if published is not None:
            attempt.published_at = published_at(published)
        if self.forgets:
            attempt.headers = ()


def identified(value: Any) -> str:
    """A part of an attempt's identity as a text; of one that is too long its beginning and a mark of the rest."""
    try:
        found = str(value)
    except (ValueError, RecursionError):
        return text(value)
    return found if len(found) <= LONGEST else f"{text(found)}#{_mark(found)}"


def _mark(long: str) -> str:
    """Eight bytes of a hash that is the same in every process."""
    return blake2b(long.encode(errors="replace"), digest_size=8).hexdigest()


def published_at(stamp: Any) -> float | None:
    """When a message was published, as a Unix time; None if its publisher did not say, or nonsense.

    Bounded, since the queue time of one attempt is added to those of all others: what is lost in it is lost for good.
    """
    try:
        moment = float(stamp)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if 0 <= moment <= _LATEST else None
