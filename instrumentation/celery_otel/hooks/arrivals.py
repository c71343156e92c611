"""What comes to a worker's MAIN process from the tasks that it runs: what they say of their spans, and of their runs.

Runs are counted here; the rest is for the spans. Both are there without spans, too.
"""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from celery_otel import names
from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.core.ledger import Ledger
from celery_otel.core.run import RunRecord
from celery_otel.core.runs import Runs
from celery_otel.failures import HookFailures
from celery_otel.hooks.carrier import carrier_for
from celery_otel.hooks.child import CHILD_HOOKS
from celery_otel.hooks.outlet import LocalOutlet
from celery_otel.hooks.processes import watch
from celery_otel.hooks.result_backend import HOOK as BACKEND_HOOK
from celery_otel.hooks.result_backend import RECORD as SAMPLES
from celery_otel.relay import GARBAGE, LOSSES, Carrier, DirectRelay, Outlet, Relay
from celery_otel.relay_record import ASIDE, Record
from celery_otel.workplace import POSTS, Post

ROUNDS = 100
"""How often what has come is read until nothing is left: a flood must not keep MAIN for good."""


class Arrivals:
    """The arrivals of one worker. To be made before its pool is, whose children inherit the way.

    Args:
        worker: Celery's worker.
        ledger: Where runs and losses are counted.
        clock: Where the time comes from.

    Attributes:
        outlet: What tasks send by.
        post: The worker as its tasks know it.
        collect: Reads what has come; replaced by whoever keeps what is drained.
        samples: Takes latencies of the result backend; raises ValueError for what are none.
    """

    def __init__(self, worker: Any, ledger: Ledger, clock: Clock = SYSTEM_CLOCK) -> None:
        self._ledger = ledger
        # Reentrant: Celery's cold shutdown ends attempts inside a signal handler, which may interrupt this very thread.
        self._lock = threading.RLock()
        self._runs = Runs(ledger.begin_run, ledger.end_run, watch, clock)
        self._stack = ExitStack()
        self._hub: Any = None
        self._came = 0
        self.collect: Callable[[], object] = self.drain
        self.samples: Callable[[object], None] = _ignore
        for loss in LOSSES:
            ledger.count(names.CELERY_OTEL_RELAY_LOSSES, loss, amount=0)
        self._carrier: Carrier = carrier_for(worker.pool_cls, self._noted)
        self._stack.callback(self._carrier.close)
        self._local = self._open_local()
        self.outlet: Outlet = self._carrier if self._local is None else self._local
        self.post = Post(self.outlet)
        self._stack.enter_context(POSTS.opened(str(worker.hostname), self.post))
        self._stack.callback(self._stop_reading)

    def connected(self, consumer: Any, failures: HookFailures) -> bool:
        """A connection is there: MAIN's event loop reads what children send as it comes, if there is one.

        Args:
            consumer: Celery's consumer, whose event loop begins anew with each connection.
            failures: Takes what goes wrong then.

        Returns:
            Whether it does.
        """
        descriptor = self._carrier.fileno()
        if consumer.hub is None or descriptor is None:
            return False
        consumer.hub.add_reader(descriptor, self._collect, failures)
        self._hub = consumer.hub
        return True

    def drain(self) -> list[Record]:
        """What tasks have said of their spans; what they have said of their runs is taken on the way."""
        with self._lock:
            records = self._carrier.drain()
            self._came = len(records)
            return [rest for record in records if (rest := self._without_run(record))]

    def pump(self) -> None:
        """Has what subprocesses have sent drained with the rest, where tasks run in MAIN. It takes a system call."""
        if self._local is not None:
            with self._lock:
                self._local.pump()

    def settle(self) -> None:
        """Ends the runs whose process is gone, after all that it had sent has been read."""
        self._exhaust()
        with self._lock:
            gone = self._runs.gone()
        if gone:
            self._exhaust()
            with self._lock:
                self._runs.fail(gone)

    def killed(self, pid: Any) -> None:
        """A child is killed with its task: its open runs have failed. One that it still begins, `settle` finds."""
        self._exhaust()
        with self._lock:
            self._runs.fail(self._runs.of_process(pid))

    def close(self) -> None:
        """The worker has stopped: what is still open has failed."""
        try:
            self.settle()
            with self._lock:
                self._runs.fail_all()
        finally:
            self._stack.close()

    def _open_local(self) -> LocalOutlet | None:
        if not isinstance(self._carrier, DirectRelay):
            return None
        local = LocalOutlet(self._carrier, Relay(self._noted), self._without_run)
        self._stack.callback(local.close)
        return local

    def _exhaust(self) -> None:
        """Reads what has come until nothing is left.

        Not inside the lock: who keeps what is drained has one too, and takes this one inside it.
        """
        for _ in range(ROUNDS):
            self.pump()
            self.collect()
            if not self._came:
                return

    def _without_run(self, record: Record) -> Record:
        """What a record says of its span; empty if that is nothing."""
        if SAMPLES in record:
            self._take_samples(record[SAMPLES])
            return {}
        if "run" not in record:
            return record
        rest = {key: value for key, value in record.items() if key != "run"}
        try:
            run = RunRecord.read(record["run"])
        except ValueError:
            self._noted(GARBAGE, 1)
            return {}
        with self._lock:
            self._runs.take(run)
        return {**rest, ASIDE: True} if "span" in rest and len(rest) > 1 else {}

    def _take_samples(self, samples: object) -> None:
        try:
            self.samples(samples)
        except ValueError:
            self._noted(GARBAGE, 1)

    def _stop_reading(self) -> None:
        if self._hub is not None:
            self._hub.remove(self._carrier.fileno())
            self._hub = None

    def _collect(self, failures: HookFailures) -> None:
        # The event loop passes on what its callbacks raise: that would be the end of the worker.
        with failures.taken("span"):
            self.collect()

    def _noted(self, what: str, number: int) -> None:
        if what in LOSSES:
            self._ledger.count(names.CELERY_OTEL_RELAY_LOSSES, what, amount=number)
        elif what in CHILD_HOOKS or what == BACKEND_HOOK:
            self._ledger.count(names.CELERY_OTEL_HOOK_ERRORS, what, amount=number)


def _ignore(_: object) -> None:
    """Where no backend is watched, nothing is sent of one."""
