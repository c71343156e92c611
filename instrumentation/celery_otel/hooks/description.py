"""Reads what is kept of a message's headers into what the ledger needs: labels, identity, and publish time."""

import math
from typing import Any

from celery_otel.core.attempt import Attempt
from celery_otel.core.labels import BoundedLabel
from celery_otel.hooks.queues import Queues
from celery_otel.message_headers import COUNTED


class Description:
    """Describes the attempts of one worker.

    Args:
        queues: Tells the queue of a message.
        task_label: Bounds the task names.
    """

    def __init__(self, queues: Queues, task_label: BoundedLabel) -> None:
        self._queues = queues
        self._task_label = task_label

    def __call__(self, attempt: Attempt) -> None:
        """Reads the headers of an attempt, once: a sampler may have asked for it before."""
        if attempt.queue:
            return
        delivery, retries, replacements, published = attempt.headers[: len(COUNTED)]
        attempt.task = self._task_label[attempt.task]
        attempt.queue = self._queues.of_delivery(delivery)
        # The same when a message is delivered again. A replacement (`Task.replace`) keeps the id that it replaces.
        attempt.identity = (str(attempt.id), str(retries or 0), str(replacements or 0))
        if published is not None:
            attempt.published_at = published_at(published)


def published_at(stamp: Any) -> float | None:
    """When a message was published, as a Unix time; None if its publisher did not say, or nonsense."""
    try:
        moment = float(stamp)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if math.isfinite(moment) else None
