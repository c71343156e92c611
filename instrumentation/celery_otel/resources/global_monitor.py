"""The one resource monitor of a process, whoever asks for it: the user's call, a worker, or a beat.

A process has one tree of descendants, so a second monitor in it would only say the same again. The children of a pool
have none: they are in the tree of their worker.
"""

import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import ref

from billiard.process import current_process

from celery_otel.failures import HookFailures
from celery_otel.settings import Settings

if TYPE_CHECKING:
    from celery_otel.resources.lone import LoneMonitor
    from celery_otel.resources.monitor import ResourceMonitor

WORKER = "celery_worker"
"""The type of process of a worker; also of one of which nothing is known."""
BEAT = "celery_beat"
"""That of a beat."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user's call has asked for; None for what it left open.

    Attributes:
        interval: Seconds between two readings.
        process_type: The value of the label `process_type`.
    """

    interval: float | None = None
    process_type: str | None = None

    def interval_of(self, settings: Settings) -> float:
        """The interval."""
        return self.interval or settings.resources_interval

    def type_of(self, kind: str) -> str:
        """The type of a process of this kind. A module that a worker and beat share asks for a worker in both."""
        return kind if self.process_type == WORKER else self.process_type or kind


class GlobalMonitor:
    """The monitor of this process. Forked processes begin without one."""

    def __init__(self) -> None:
        self._asked = Asked()
        self._settings: Settings | None = None
        self._service = ""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._kind = WORKER
        # Weakly: it belongs to the worker that has taken it over, and ends with it.
        self._adopted: Callable[[], ResourceMonitor | None] = _nobody
        self._lone: LoneMonitor | None = None

    @contextmanager
    def known(self, settings: Settings, service: str) -> Iterator[None]:
        """Says what an instrumented application knows, for a monitor that neither a worker nor beat takes over.

        Args:
            settings: The options.
            service: The name of the service that this process is then.
        """
        before = self._settings, self._service
        self._settings, self._service = settings, service
        try:
            yield
        finally:
            self._settings, self._service = before

    def ask(self, asked: Asked) -> None:
        """Starts the monitor, or goes on with it as it is asked to.

        Raises:
            ConfigurationError: An environment variable has a value that cannot be used.
        """
        settings = self._settings or Settings.read()
        if settings.disabled or not settings.resources or in_pool_child():
            return
        with self._held():
            self._asked = asked
            monitor = self._open_monitor()
            if monitor is not None:
                monitor.configure(asked.interval_of(settings), asked.type_of(self._kind))
            elif self._lone is not None:
                self._lone.configure(asked.interval_of(settings), asked.type_of(WORKER))
            else:
                self._lone = self._wait_alone(settings)

    def adopt(self, name: str, kind: str, settings: Settings, failures: HookFailures) -> "ResourceMonitor | None":
        """Takes the monitor over, in a process that has turned out to be a worker or beat.

        Args:
            name: The worker's or beat's name.
            kind: The type of its process, unless the user has asked for another.
            settings: The options.
            failures: Takes what goes wrong.

        Returns:
            The monitor, not yet started, to be closed by the caller; None where there shall be none, or another worker
            of this process has it.
        """
        if not settings.resources or in_pool_child():
            return None
        with self._held():
            if self._open_monitor() is not None:
                return None
            # Loaded here, since a web server without a monitor needs none of it.
            from celery_otel.resources.monitor import ResourceMonitor  # noqa: PLC0415

            self._kind, asked = kind, self._asked
            monitor = ResourceMonitor(name, asked.type_of(kind), asked.interval_of(settings), failures)
            self._adopted = ref(monitor)
            lone, self._lone = self._lone, None
        if lone is not None:
            lone.close()
        return monitor

    def stop(self) -> None:
        """Ends the monitor, and what was asked for is forgotten. Nothing in a child of a process that has one."""
        with self._held():
            self._asked = Asked()
            lone, self._lone = self._lone, None
            monitor = self._open_monitor()
            if monitor is not None:
                monitor.silence()
        if lone is not None:
            lone.close()

    def _wait_alone(self, settings: Settings) -> "LoneMonitor":
        from celery_otel.resources.lone import LoneMonitor  # noqa: PLC0415

        kind = self._asked.type_of(WORKER)
        lone = LoneMonitor(settings, self._service or kind, kind, self._asked.interval_of(settings))
        lone.start()
        return lone

    def _open_monitor(self) -> "ResourceMonitor | None":
        """That of a worker or beat which has not ended."""
        monitor = self._adopted()
        return None if monitor is None or monitor.closed else monitor

    @contextmanager
    def _held(self) -> Iterator[None]:
        if self._pid != os.getpid():
            # Also the lock: a thread of the parent could have held it at the fork.
            self._forget()
        with self._lock:
            yield

    def _forget(self) -> None:
        """Forgets, after a fork, the monitor of the parent."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._adopted, self._lone = _nobody, None


def _nobody() -> None:
    """Nobody has taken the monitor over."""


GLOBAL_MONITOR = GlobalMonitor()
"""That of this process."""


def in_pool_child() -> bool:
    """Whether this process is a child of a Celery worker: of its pool, or the beat that is embedded in it."""
    return bool(current_process().name != "MainProcess")


def start_global_monitor(interval: float | None = None, process_type: str | None = None) -> None:
    """Reads what this process and its descendants use, and exports it; never more than once in a process.

    An instrumented worker or beat does so by itself: there, before or after its start, this only says how. Everywhere
    else (a web server, a script, a worker that is not instrumented) the first export comes 10 seconds after the call,
    or after the interval if that is longer. Does nothing in the children of a pool, which are read with their worker,
    nor where `CELERY_OTEL_RESOURCES=false` or `OTEL_SDK_DISABLED=true`.

    Args:
        interval: Seconds between two readings; by default those of `CELERY_OTEL_RESOURCES_INTERVAL`, else 30.
        process_type: The value of the label `process_type`, such as `web`; by default `celery_worker`, and in beat
            `celery_beat`.

    Raises:
        ValueError: The interval is not a finite number above 0, or the type is empty.
        ConfigurationError: An environment variable has a value that cannot be used.
    """
    if interval is not None and not 0 < interval < math.inf:
        raise ValueError(f"interval={interval!r} cannot be used: give it a number of seconds above 0")
    if process_type is not None and not process_type.strip():
        raise ValueError(f"process_type={process_type!r} cannot be used: give it a name such as 'web'")
    GLOBAL_MONITOR.ask(Asked(interval, process_type))


def stop_global_monitor() -> None:
    """Ends the monitor of this process: its series end. `start_global_monitor` starts it again."""
    GLOBAL_MONITOR.stop()
