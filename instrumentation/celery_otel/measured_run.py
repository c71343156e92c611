"""One run, from the beginning of a block of a user's code to its end, whatever it measures.

Whatever goes wrong in here is logged and goes no further: the block runs as if it were not measured.
"""

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from opentelemetry import trace
from opentelemetry.trace import Tracer

from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.core.labels import MAX_LENGTH
from celery_otel.core.run import FAILURE, SUCCESS, TUNING, Kind, RunRecord
from celery_otel.errors import ConfigurationError
from celery_otel.failures import FailureLog
from celery_otel.harmless import Harmless
from celery_otel.run_place import Nowhere, OwnSpan, Place, TaskPlace
from celery_otel.told_values import AttributeValue, unfolded
from celery_otel.untrusted import text
from celery_otel.version import VERSION
from celery_otel.workplace import Workplace, workplace


def _tracer() -> Tracer:
    # Loaded here, since a run in a worker needs none of it.
    from celery_otel.telemetry.producer_spans import SCHEMA  # noqa: PLC0415

    return trace.get_tracer("celery_otel", VERSION, schema_url=SCHEMA)


def _content() -> bool:
    from celery_otel.settings import Settings  # noqa: PLC0415  # as above

    try:
        return Settings.read().capture_content
    except ConfigurationError:
        # `instrument` says so, where it is called.
        return False


def _count(hook: str) -> None:
    found = workplace()
    if found is not None:
        found.note(hook)


HARMLESS = Harmless(FailureLog(), _count)
"""That of this process."""


@dataclass(frozen=True)
class Surroundings:
    """What a run finds around it.

    Attributes:
        workplace: Finds the task that runs here; None where there is no worker.
        tracer: Gives the tracer for spans outside workers.
        content: Tells whether these may tell what exceptions say.
        clock: Where the time comes from.
        harmless: Takes our own failures.
    """

    workplace: Callable[[], Workplace | None] = workplace
    tracer: Callable[[], Tracer] = _tracer
    content: Callable[[], bool] = _content
    clock: Clock = SYSTEM_CLOCK
    harmless: Harmless = HARMLESS

    def place(self) -> Place:
        """Where a run that begins here is told."""
        found = self.workplace()
        return OwnSpan(self.tracer(), self.content) if found is None else TaskPlace(found)


SURROUNDINGS = Surroundings()
"""Those of this process."""


class MeasuredRun:
    """One run. It is told where its block began, whichever thread it is used in.

    Args:
        kind: Training or tuning.
        label: The model type, or the search's method.
        around: What is around it.
    """

    def __init__(self, kind: Kind, label: str, around: Surroundings = SURROUNDINGS) -> None:
        self._around = around
        self._prefix = f"celery.{kind}"
        self._run = RunRecord.begun(kind, text(label)[:MAX_LENGTH], around.clock.wall())
        self._start = around.clock.monotonic()
        self._place: Place = Nowhere()
        self._told: dict[str, AttributeValue] = {}
        # Reentrant: the handler of a signal may interrupt its own thread here.
        self._lock = threading.RLock()

    def begin(self) -> None:
        """The block begins."""
        try:
            with self._around.harmless:
                self._place = self._around.place()
                self._place.begin(self._run, self._told)
        except BaseException as error:
            # A time limit, say: the block will not be entered, and nobody would end the run.
            self.end(error)
            raise

    def end(self, error: BaseException | None) -> None:
        """The block has ended.

        Args:
            error: What has ended it; None if it came to its end.
        """
        if self._elsewhere():
            return
        seconds = max(0.0, self._around.clock.monotonic() - self._start)
        with self._around.harmless:
            self._run = replace(self._run, seconds=seconds, result=SUCCESS if error is None else FAILURE)
            self._tell_end()
        try:
            self._send_end(error)
        except SoftTimeLimitExceeded:
            # It came while the record waited for room. It is sent again; MAIN counts the run once all the same.
            self._send_end(error)
            raise

    def _set(self, values: Mapping[str, Any]) -> None:
        """Puts what a user says below the prefix of the run's kind."""
        fixed = self._fixed()
        free = unfolded(self._prefix, values)
        if own := free.keys() & fixed:
            self._say("set", f"{', '.join(sorted(own))} is measured, and cannot be set: it is left as it is.")
        self._tell({key: value for key, value in free.items() if key not in fixed})

    def _tell(self, told: Mapping[str, AttributeValue]) -> None:
        self._told.update(told)
        self._place.set(told)

    def _tell_end(self) -> None:
        ended: dict[str, AttributeValue] = {
            f"{self._prefix}.result": str(self._run.result),
            f"{self._prefix}.duration": self._run.seconds or 0.0,
        }
        self._tell({**self._figures(), **ended})
        shown = {**self._told, **self._found()}
        self._place.add_event(f"{self._prefix}.run", shown, always=self._run.kind == TUNING)

    def _send_end(self, error: BaseException | None) -> None:
        with self._around.harmless:
            self._place.end(self._run, error)

    def _fixed(self) -> frozenset[str]:
        """The attributes that are measured."""
        return frozenset(f"{self._prefix}.{name}" for name in ("result", "duration", "runs"))

    def _figures(self) -> Mapping[str, AttributeValue]:
        """What there is to say at the end."""
        return {}

    def _found(self) -> Mapping[str, AttributeValue]:
        """What the event of the end says besides."""
        return {}

    def _elsewhere(self) -> bool:
        """Whether this is a process that was forked inside the block: the run is the first one's."""
        if self._run.pid == os.getpid():
            return False
        self._say("fork", "in a process that was forked inside its block it has no effect: begin another run there.")
        return True

    def _say(self, kind: str, message: str) -> None:
        self._around.harmless.log.tell(f"run {kind}", f"celery_otel.{self._run.kind}({self._run.label!r}): {message}")
