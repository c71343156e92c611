"""When series were first exported, as a worker that goes on from another one's counts has to know."""

from typing import Protocol

from celery_otel.metric import Labels, Metric


class KnownBirths(Protocol):
    """The beginnings of series that outlive their worker."""

    @property
    def kept(self) -> bool:
        """Whether the next worker would go on from all that has been counted until now."""

    def known(self, metric: Metric, labels: Labels) -> int | None:
        """When a series began, in nanoseconds since 1970; None if it was never exported."""

    def note(self, metric: Metric, labels: Labels, at: int) -> None:
        """A series is exported for the first time, and begins then, in nanoseconds since 1970."""


class NoBirths:
    """No series outlives its worker."""

    kept = False

    def known(self, metric: Metric, labels: Labels) -> int | None:  # noqa: ARG002  # the same for all
        """None is known."""
        return None

    def note(self, metric: Metric, labels: Labels, at: int) -> None:
        """Nobody needs to know."""
