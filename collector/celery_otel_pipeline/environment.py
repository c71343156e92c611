"""The environment that child processes start with."""

import os
from collections.abc import Mapping

# What a developer has set for other programs must not change what a test or the demo measures.
_FOREIGN_PREFIXES = ("OTEL_", "CELERY_", "RABBITMQ_")


def child_environment(additions: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without settings of OpenTelemetry, Celery and RabbitMQ, plus the additions."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN_PREFIXES)}
    return {**inherited, **(additions or {})}
