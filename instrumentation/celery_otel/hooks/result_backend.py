"""How long the result backend takes, measured around its own methods, in MAIN and in the children that it forks.

A child keeps its samples and sends them at most once a second, and at its end.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import wraps
from time import perf_counter
from typing import Any
from weakref import WeakSet

from celery import signals
from celery.backends.base import DisabledBackend

from celery_otel import names
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.core.latencies import Latencies
from celery_otel.failures import FailureLog, HookFailures
from celery_otel.hooks.installed import connected, surrounded
from celery_otel.metric import Labels, Metric, Value
from celery_otel.relay import Outlet

HOOK = "result_backend"
"""The value of the label `hook` for errors here."""
RECORD = "backend"
"""The key of a record that has samples."""
INTERVAL = 1.0
"""Seconds between two records of a child."""
_OPERATIONS = {"store_result": "store", "get_task_meta": "get", "on_chord_part_return": "chord"}
_BOUNDS = names.RESULT_BACKEND_LATENCY.bounds


class BackendWatch:
    """Watches the result backend of one application; nothing if it has none.

    Args:
        app: The application.
        outlet: What children send by.
        count_error: Counts an error of ours in MAIN.
        clock: Where the time comes from.
    """

    def __init__(
        self, app: Any, outlet: Outlet, count_error: Callable[[str], None], clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._outlet = outlet
        self._count_error = count_error
        self._clock = clock
        # One of its own, as for the tasks of children (`child.ChildTracing`).
        self._failures = HookFailures(self._count, FailureLog())
        self._main = self._sender = os.getpid()
        self._latencies = Latencies(_BOUNDS)
        self._unsent = Latencies(_BOUNDS)
        self._due = 0.0
        # Weakly: a thread or greenlet may have one of its own, and ends with it.
        self._backends: WeakSet[Any] = WeakSet()
        self._stack = ExitStack()
        with self._failures.taken(HOOK):
            self._install(app)

    def read(self) -> dict[Metric, dict[Labels, Value]]:
        """The histograms of MAIN and of what children have sent."""
        return {names.RESULT_BACKEND_LATENCY: {**self._latencies.read()}}

    def take(self, samples: object) -> None:
        """Takes what a child has sent.

        Raises:
            ValueError: It is something else.
        """
        if not isinstance(samples, Mapping) or not samples.keys() <= set(_OPERATIONS.values()):
            raise ValueError(f"not samples: {samples!r:.80}")
        self._latencies.add(samples)

    def close(self) -> None:
        """Leaves the backends as they were."""
        self._stack.close()
        for backend in list(self._backends):
            for name in _OPERATIONS:
                if getattr(vars(backend).get(name), "watch", None) is self:
                    delattr(backend, name)

    def _install(self, app: Any) -> None:
        if isinstance(app.backend, DisabledBackend):
            return
        self._watch(app.backend)
        self._stack.enter_context(surrounded(app, "_get_backend", self._made))
        self._stack.enter_context(connected(signals.worker_process_shutdown, self._leave))

    def _made(self, make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        backend = make(*args, **kwargs)
        with self._failures.taken(HOOK):
            self._watch(backend)
        return backend

    def _watch(self, backend: Any) -> None:
        self._backends.add(backend)
        for name, operation in _OPERATIONS.items():
            setattr(backend, name, self._timed(getattr(backend, name), operation))

    def _timed(self, original: Callable[..., Any], operation: str) -> Callable[..., Any]:
        @wraps(original)
        def timed(*args: Any, **kwargs: Any) -> Any:
            before = perf_counter()
            try:
                return original(*args, **kwargs)
            finally:
                self._took(operation, perf_counter() - before)

        vars(timed)["watch"] = self
        return timed

    def _took(self, operation: str, seconds: float) -> None:
        try:
            if os.getpid() == self._main:
                self._latencies.record(operation, seconds)
            else:
                self._note(operation, seconds)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is ours and must not reach the task
            self._failures.take(HOOK, error)

    def _note(self, operation: str, seconds: float) -> None:
        if self._sender != os.getpid():
            # Also the lock in it: a thread of MAIN could have held it at the fork.
            self._sender, self._unsent, self._due = os.getpid(), Latencies(_BOUNDS), 0.0
        self._unsent.record(operation, seconds)
        if self._clock.monotonic() >= self._due:
            self._send()

    def _send(self) -> None:
        self._due = self._clock.monotonic() + INTERVAL
        samples = self._unsent.take()
        if samples and not self._outlet.send({RECORD: samples}, patient=False):
            self._unsent.add(samples)

    def _leave(self, **_: Any) -> None:
        """A child ends in peace."""
        with self._failures.taken(HOOK):
            if self._sender == os.getpid() != self._main:
                self._send()

    def _count(self, hook: str) -> None:
        if os.getpid() == self._main:
            self._count_error(hook)
        else:
            self._outlet.note(hook)
