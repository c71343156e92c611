"""When series began, as a worker that goes on from another one's counts has to know."""

from typing import Protocol

from celery_otel.metric import Labels, Metric


class KnownBirths(Protocol):
    """The beginnings of series that outlive their worker."""

    @property
    def goes_on(self) -> bool:
        """Whether this worker goes on from what one before has counted."""

    @property
    def kept(self) -> bool:
        """Whether the next worker would go on from all that has been counted until now."""

    def known(self, metric: Metric, labels: Labels) -> int | None:
        """When a series began, in nanoseconds since 1970; None if it has not."""

    def note(self, metric: Metric, labels: Labels, at: int) -> None:
        """A series begins, in nanoseconds since 1970, and is exported right after that."""


class NoBirths:
    """No series outlives its worker."""

    goes_on = kept = False

    def known(self, metric: Metric, labels: Labels) -> int | None:  # noqa: ARG002  # the same for all
        """None is known."""
        return None

    def note(self, metric: Metric, labels: Labels, at: int) -> None:
        """Nobody needs to know."""
