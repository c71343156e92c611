"""What a worker has around the relay here: it stamps attempts, and writes down what comes to MAIN.

A small stand-in for what MAIN does with records: every line of the journal is a record, a note, or an attempt's end
with whether its record was there by then.
"""

import json
import os
import threading
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import Any

from celery import Celery, bootsteps, current_app, signals
from celery.worker import strategy

from celery_otel.hooks.carrier import carrier_for
from celery_otel.hooks.child import ChildTracing
from celery_otel.hooks.installed import connected, patched, stepped
from celery_otel.hooks.spawned import SpawnedChild
from celery_otel.hooks.task_logs import TaskLogs
from celery_otel.stamps import TRACEPARENT

UNSAMPLED = "unsampled"
"""The header of a message whose attempt is not sampled."""


def stamp_of(task_id: str, *, sampled: bool = True) -> str:
    """The stamp of the attempt of a task: made of its id, so that everybody knows what to expect."""
    digits = task_id.replace("-", "")
    return f"00-{digits}-{digits[16:]}-0{int(sampled)}"


_CELERYS: Any = object


class Stamping(_CELERYS):
    """What a request does beside what Celery's does."""

    harness: "WorkerHarness"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sampled = UNSAMPLED not in self.request_dict
        self.request_dict[TRACEPARENT] = stamp_of(self.id, sampled=sampled)

    def on_success(self, *args: Any, **kwargs: Any) -> Any:
        """MAIN hears of the end."""
        self.harness.collect(ended=stamp_of(self.id).split("-")[2])
        return super().on_success(*args, **kwargs)


class WorkerHarness:
    """One worker's relay, and what came through it."""

    def __init__(self, worker: Any) -> None:
        self._journal = Path(os.environ["RELAY_JOURNAL"])
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self.carrier = carrier_for(worker.pool_cls, self._note)
        self._stack = ExitStack()
        enter = self._stack.enter_context
        enter(ChildTracing(self.carrier, hostname=worker.hostname))
        if os.environ.get("OTEL_PYTHON_LOG_CORRELATION") != "false":
            enter(TaskLogs("shop"))
        enter(patched(strategy, "create_request_cls", self._stamping(strategy.create_request_cls)))
        enter(connected(signals.worker_shutdown, self._on_shutdown))

    def watch(self, hub: Any) -> None:
        """Collects records as they come."""
        fileno = self.carrier.fileno()
        if hub is not None and fileno is not None:
            hub.add_reader(fileno, self.collect)

    def collect(self, ended: str | None = None) -> None:
        """Writes down what has come, and whether the record of an attempt that ends is there."""
        with self._lock:
            for record in self.carrier.drain():
                self._seen.add(record["span"])
                self._write(record=record)
            if ended is not None:
                self._write(ended=ended, there=ended in self._seen)

    def _on_shutdown(self, **_: Any) -> None:
        if os.getpid() == self._pid:
            self.collect()
            self._write(closed=True)

    def _note(self, what: str, number: int) -> None:
        self._write(note=what, number=number)

    def _write(self, **line: Any) -> None:
        with self._journal.open("a") as journal:
            journal.write(f"{json.dumps(line)}\n")

    def _stamping(self, generate: Any) -> Any:
        @wraps(generate)
        def create_request_cls(*args: Any, **kwargs: Any) -> Any:
            return type("Request", (Stamping, generate(*args, **kwargs)), {"harness": self})

        return create_request_cls


class WorkerStep(bootsteps.StartStopStep):
    """Makes the harness before the pool is made."""

    spawned: SpawnedChild

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        self.spawned.close()
        worker.harness = worker.app.harness = WorkerHarness(worker)


class ConsumerStep(bootsteps.StartStopStep):
    """Lets the worker's event loop watch the relay."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        """The event loop is there."""
        consumer.controller.harness.watch(consumer.hub)


def install(app: Celery) -> None:
    """Puts the harness into the workers of an application, and into children that are not forked."""
    app.harness_stack = ExitStack()
    enter = app.harness_stack.enter_context
    spawned = enter(SpawnedChild(lambda: ChildTracing(None, app=current_app), lambda: TaskLogs("shop")))
    enter(stepped(app.steps["worker"], type("Step", (WorkerStep,), {"spawned": spawned})))
    enter(stepped(app.steps["consumer"], ConsumerStep))
