"""The publish side: stamps the time of publishing into the message, for the queue time."""

import math
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

HEADER = "celery_otel_published_at"
"""The message header: a Unix time in seconds, as text, since transports treat numbers differently."""


def stamper(wall: Callable[[], float]) -> Callable[..., None]:
    """A receiver of `before_task_publish` that stamps the time.

    A retry's message starts as a copy of the headers before it: the stamp is always overwritten.

    Args:
        wall: Gives the Unix time in seconds.
    """

    def stamp(headers: MutableMapping[str, Any] | None = None, **_: Any) -> None:
        if headers is not None:
            headers[HEADER] = f"{wall():.6f}"

    return stamp


def published_at(headers: Mapping[str, Any]) -> float | None:
    """When a message was published, as a Unix time; None if its publisher did not say, or nonsense."""
    try:
        moment = float(headers.get(HEADER, "nan"))
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if math.isfinite(moment) else None
