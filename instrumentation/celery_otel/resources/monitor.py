"""Reads what a process and its descendants use, at an interval, on a thread that no child inherits.

The newest reading is one attribute, and there is no lock that a child could inherit locked.
"""

import os
import threading
from collections.abc import Callable
from typing import Protocol

import psutil

from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.failures import HookFailures
from celery_otel.metric import Labels, Metric, Value
from celery_otel.resources.cgroup import MemoryLimit
from celery_otel.resources.descendants import Descendants
from celery_otel.resources.gpus import Gpus, installed_nvml
from celery_otel.resources.meter import Meter
from celery_otel.resources.reading import Reading
from celery_otel.resources.tree import ProcessTree

HOOK = "resources"
"""The value of the label `hook` for errors here."""
THREAD_NAME = "celery-otel-resources"
PATIENCE = 1.0
"""The most that the end waits for a reading that is under way, in seconds."""


class Meters(Protocol):
    """Reads on demand."""

    def read(self) -> Reading:
        """A reading of now."""


def process_meter() -> Meter:
    """Reads this process, its descendants, its limit and the machine's GPUs."""
    main = psutil.Process()
    return Meter(ProcessTree(main, Descendants(main)), MemoryLimit(), Gpus(installed_nvml()).read)


class ResourceMonitor:
    """The monitor of one process.

    Args:
        name: The value of the label `worker_name`.
        process_type: That of the label `process_type`.
        interval: Seconds between two readings.
        failures: Takes what goes wrong here.
        open_meter: Makes what reads; called on the thread.
        clock: Where the time comes from.
    """

    def __init__(
        self,
        name: str,
        process_type: str,
        interval: float,
        failures: HookFailures,
        open_meter: Callable[[], Meters] = process_meter,
        *,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._name = name
        self._process_type = process_type
        self._interval = interval
        self._failures = failures
        self._open_meter = open_meter
        self._clock = clock
        self._pid = os.getpid()
        self._meter: Meters | None = None
        self._newest: Reading | None = None
        self._thread: threading.Thread | None = None
        self._told = threading.Event()
        self._stopping = self._silenced = False
        self.closed = False
        """Whether the process has said its last word."""

    def start(self) -> None:
        """Begins to read, at once; nothing if it has begun, was silenced or closed."""
        if self._thread is not None or self._silenced or self.closed:
            return
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
        self._thread.start()

    def configure(self, interval: float, process_type: str) -> None:
        """Goes on with these; begins again if it was silenced."""
        self._interval, self._process_type = interval, process_type
        self._told.set()
        if self._silenced:
            self._silenced = False
            self.start()

    def read(self) -> dict[Metric, dict[Labels, Value]]:
        """The series of the newest reading; none before the first."""
        newest = self._newest
        return {} if newest is None else newest.series(self._process_type, self._name)

    def silence(self) -> None:
        """Reads no more, and has no series from now on. Nothing in a child."""
        if os.getpid() == self._pid:
            self._silenced = True
            self._end()
            self._newest = None

    def close(self) -> None:
        """The process ends: a last reading says what was used to the end, and that nothing is held any more.

        Nothing in a child, or twice.
        """
        if self.closed or os.getpid() != self._pid:
            return
        self.closed = True
        if self._end():
            self._take()
        if self._newest is not None:
            self._newest = self._newest.ended()

    def _run(self) -> None:
        with self._failures.taken(HOOK):
            self._meter = self._open_meter()
        while not self._stopping:
            self._take()
            self._wait(self._clock.monotonic())

    def _wait(self, since: float) -> None:
        """Waits for the next reading; what it is told meanwhile may change when that is."""
        while not self._stopping:
            left = since + self._interval - self._clock.monotonic()
            if left <= 0 or not self._told.wait(left):
                return
            self._told.clear()

    def _take(self) -> None:
        if self._meter is None:
            return
        with self._failures.taken(HOOK):
            self._newest = self._meter.read()

    def _end(self) -> bool:
        """Ends the thread; tells whether there was one and it has ended."""
        thread, self._thread = self._thread, None
        if thread is None:
            return False
        self._stopping = True
        self._told.set()
        thread.join(PATIENCE)
        return not thread.is_alive()
