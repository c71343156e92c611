"""A run by its kind, for tests that are about both: what `celery_otel.training` and `celery_otel.tuning` give."""

from typing import Any

import celery_otel
from celery_otel.core.run import TRAINING, Kind


def told_run(kind: Kind, label: str, **known: Any) -> Any:
    """The block of a run.

    Args:
        kind: Training or tuning.
        label: The model type, or the method.
        known: What else is known.
    """
    return celery_otel.training(label, **known) if kind == TRAINING else celery_otel.tuning(label, **known)
