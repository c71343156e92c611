"""What the telemetry of a worker wants of a state that is kept on disk, and what stands there without one."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from celery_otel import names
from celery_otel.core.attempt import Attempt
from celery_otel.core.births import KnownBirths, NoBirths
from celery_otel.core.clock import Clock
from celery_otel.core.counts import Counts
from celery_otel.core.ledger import Ledger
from celery_otel.core.tables import Tables
from celery_otel.hooks.description import Description
from celery_otel.settings import Settings
from celery_otel.state.errors import StateError

if TYPE_CHECKING:
    from celery_otel.state.state import State

HOOK = "state"
"""The value of the label `hook` for a state that cannot be taken up or kept."""
Complain = Callable[[str], None]


class KeptState(Protocol):
    """What keeps the counts of a worker.

    Attributes:
        hooks: Values of the label `hook` that it adds.
        description: What describes its attempts.
        births: The beginnings of its series.
    """

    hooks: tuple[str, ...]
    description: type[Description]
    births: KnownBirths

    def tables(self) -> Tables:
        """Makes the tables of its counts."""

    def ledger(self, counts: Counts, worker: str, clock: Clock) -> Ledger:
        """The ledger of these counts; kept from now on."""

    def complain_to(self, complain: Complain) -> None:
        """Says from now on, and of what was before, what goes wrong."""

    def tend(self) -> None:
        """Called with every export, to do what takes longer."""

    def close(self, *, delivered: bool) -> None:
        """The worker has ended; everyone whom it pushes its metrics to has all of them, or not."""


class NoState:
    """Nothing is kept.

    Args:
        complaint: Why, if something should have been.
    """

    description = Description
    births: KnownBirths = NoBirths()

    def __init__(self, complaint: str = "") -> None:
        self._complaint = complaint
        self.hooks: tuple[str, ...] = (HOOK,) if complaint else ()

    def tables(self) -> Tables:
        """Plain ones."""
        return Tables()

    def ledger(self, counts: Counts, worker: str, clock: Clock) -> Ledger:
        """A plain one."""
        return Ledger(counts, worker=worker, clock=clock)

    def complain_to(self, complain: Complain) -> None:
        """Says why nothing is kept."""
        if self._complaint:
            complain(self._complaint)

    def tend(self) -> None:
        """Nothing is to be done."""

    def close(self, *, delivered: bool) -> None:
        """Nothing ends."""


class StableDescription(Description):
    """Describes attempts with identities that are known in another process, too."""

    def __call__(self, attempt: Attempt) -> None:
        """Reads the headers of an attempt, once."""
        if not attempt.queue:
            super().__call__(attempt)
            from celery_otel.state.identity import StableIdentity  # noqa: PLC0415  # loaded by now

            attempt.identity = StableIdentity(attempt.identity)


class StateOnDisk:
    """A state in a directory.

    Args:
        state: The state.
    """

    hooks: tuple[str, ...] = (HOOK,)
    description: type[Description] = StableDescription

    def __init__(self, state: "State") -> None:
        self._state = state
        self.births: KnownBirths = state.births
        self.tend = state.tend
        self.close = state.close

    def tables(self) -> Tables:
        """Those that hold what the worker before has counted, and note what changes."""
        return self._state.tables

    def ledger(self, counts: Counts, worker: str, clock: Clock) -> Ledger:
        """One whose changes are written at once; what was open when the worker before was killed is ended."""
        from celery_otel.state.kept_ledger import KeptLedger  # noqa: PLC0415  # loaded where there is a state

        made = KeptLedger(counts, self._state, worker=worker, clock=clock)
        self._state.begin()
        made.end_what_was_killed()
        return made

    def complain_to(self, complain: Complain) -> None:
        """Says from now on, and of what was before, what goes wrong."""
        self._state.complain = complain
        for complaint in self._state.complaints:
            complain(complaint)


OpenState = Callable[[str, Clock], KeptState]
"""Makes what keeps the counts of a worker from its name and the clock."""


def open_state(
    settings: Settings, identity: Callable[[str], Mapping[str, str]], worker: str, clock: Clock
) -> KeptState:
    """What keeps the counts of a worker.

    Args:
        settings: The options.
        identity: Gives what its series are told apart by, from the worker's name: its service first.
        worker: The worker's name.
        clock: Where the time comes from.
    """
    if settings.state_directory is None or not settings.exporters:
        return NoState()
    try:
        return _open(settings, identity(worker), clock)
    except Exception as error:  # noqa: BLE001  # whatever is wrong with it, the worker is counted without
        return NoState(_complaint(error))


def _complaint(error: Exception) -> str:
    said = str(error) if isinstance(error, StateError) else f"{type(error).__name__}: {error}."
    return (
        f"celery-otel does not keep this worker's counts: {said} Before a worker keeps them there again, remove what "
        "an earlier one has left."
    )


def _open(settings: Settings, identity: Mapping[str, str], clock: Clock) -> KeptState:
    # Loaded only where it is asked for: it needs locks of files, which not every system has.
    from celery_otel.state.contents import About  # noqa: PLC0415
    from celery_otel.state.directory import StateDirectory, folder  # noqa: PLC0415
    from celery_otel.state.state import State  # noqa: PLC0415

    histograms = [metric for metric in names.METRICS if metric.kind == "histogram"]
    bounds = {metric.name: metric.bounds or settings.duration_buckets for metric in histograms}
    path = Path(str(settings.state_directory), *map(folder, identity.values()))
    return StateOnDisk(State(StateDirectory(path), About(identity, bounds), clock))
