"""What the telemetry of a worker or beat wants of the resource monitor, and what stands there without one."""

from collections.abc import Callable
from typing import Protocol

from celery_otel.failures import HookFailures
from celery_otel.metric import Labels, Metric, Value


class Resources(Protocol):
    """What reads the resources of a process and its descendants."""

    def start(self) -> None:
        """Begins to read; a second call does nothing."""

    def read(self) -> dict[Metric, dict[Labels, Value]]:
        """The series of the newest reading."""

    def close(self) -> None:
        """Reads a last time and ends."""


class NoResources:
    """Nothing is read."""

    def start(self) -> None:
        """Nothing begins."""

    def read(self) -> dict[Metric, dict[Labels, Value]]:
        """No series."""
        return {}

    def close(self) -> None:
        """Nothing ends."""


OpenResources = Callable[[str, HookFailures], Resources | None]
"""Makes it from the name of the worker or beat and what takes its failures; None where nothing is to be read."""
