"""When a message was published, if an instrumented publisher has put that into its headers."""

import json
import math

from celery_otel.stamps import PUBLISHED_AT


def published_at(message: bytes | str | None) -> float | None:
    """The Unix time at which a message was published; None if it does not say.

    Args:
        message: As a virtual transport of kombu keeps it: JSON.
    """
    try:
        at = float(json.loads(message or "null")["headers"][PUBLISHED_AT])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        # No message of Celery's, or of a publisher without celery-otel: both do not say.
        return None
    return at if math.isfinite(at) else None
