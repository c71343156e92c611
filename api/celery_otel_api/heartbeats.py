"""Listens for the hearts of workers, so that one that cannot answer now is told from one that is gone.

There are two sources: Celery's own events, on a thread, and the series of MAIN's heartbeat at the collector, which a
solo worker sends while it runs a task, too. Only our clock counts: a heart beats if its value has changed.
"""

import threading
from collections.abc import Mapping
from typing import Any

from celery import Celery

from celery_otel import names
from celery_otel.broker import said
from celery_otel.failures import FailureLog
from celery_otel_api.exposition import Labels, parsed, values_of
from celery_otel_api.fleet import Fleet
from celery_otel_api.gauges import worker_name

THREAD_NAME = "celery-otel-api-heartbeats"
CONNECT_TIMEOUT = 3.0
PAUSE = 2.0
"""Seconds between two connections to a broker that is away."""
SILENCE = 60.0
"""Seconds without any event after which the connection is made anew: it may be dead without a word."""
CLOSE_TIMEOUT = 2.0
BEATS_MISSED = 5
"""How many of a worker's events may be missing before it counts as gone. Celery sends one every 2 s."""
SHORTEST = 10.0
"""Seconds that it has at least: a busy machine delays events, too."""


class EventHeartbeats:
    """Receives the events of workers on a thread, which ends with the service and never keeps it from ending.

    Args:
        app: The application.
        fleet: What is told.
    """

    def __init__(self, app: Celery, fleet: Fleet) -> None:
        self._app = app
        self._handlers = {
            "worker-online": self._beats,
            "worker-heartbeat": self._beats,
            "worker-offline": lambda event: fleet.left(str(event["hostname"])),
        }
        self._fleet = fleet
        self._log = FailureLog()
        self._stopping = threading.Event()
        self._receiver: Any = None
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)

    def _beats(self, event: Mapping[str, Any]) -> None:
        pause = event.get("freq")
        lasts = BEATS_MISSED * pause if isinstance(pause, int | float) else 0.0
        self._fleet.beat(str(event["hostname"]), max(lasts, SHORTEST))

    def start(self) -> None:
        """Begins to listen."""
        self._thread.start()

    def close(self) -> None:
        """Ends it; it blocks for 2 seconds at most."""
        self._stopping.set()
        if self._receiver is not None:
            self._receiver.should_stop = True
        self._thread.join(CLOSE_TIMEOUT)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except TimeoutError:
                # Nobody said anything for a while, as where there is no worker.
                continue
            except Exception as error:  # noqa: BLE001  # whatever a transport raises, we listen again after a pause
                if not self._stopping.is_set():
                    self._log.tell("events", f"celery-otel's API hears no heartbeats and tries again: {said(error)}")
                self._stopping.wait(PAUSE)

    def _listen(self) -> None:
        """Listens until told to stop.

        Raises:
            TimeoutError: Nothing was heard for long.
        """
        # Without heartbeats of AMQP: they would have to be sent while events keep us busy.
        with self._app.connection_for_read(connect_timeout=CONNECT_TIMEOUT, heartbeat=0) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_TIMEOUT)
            self._receiver = receiver = self._app.events.Receiver(
                connection, handlers=self._handlers, routing_key="worker.#"
            )
            receiver.connect_max_retries = 1
            receiver.should_stop = self._stopping.is_set()
            receiver.capture(limit=None, timeout=SILENCE, wakeup=False)


class CollectorHeartbeats:
    """Reads hearts off the collector's page. For one thread.

    Args:
        fleet: What is told.
        job: The job of our workers: one of that job is expected even if it has never answered. Other applications may
            send to the same collector.
    """

    def __init__(self, fleet: Fleet, job: str) -> None:
        self._fleet = fleet
        self._job = job
        self._beats: Mapping[Labels, float] = {}
        self._said: dict[Labels, float] = {}

    def read(self, page: str) -> None:
        """Compares a page, in Prometheus' text format, with the last one."""
        families = parsed(page)
        beats = values_of(families.get(names.WORKER_HEARTBEAT_TIMESTAMP.series))
        sizes = values_of(families.get(names.WORKER_POOL_SIZE.series))
        nodes = self._nodes()
        for labels, value in beats.items():
            node = self._node(dict(labels), nodes)
            if node and labels in self._beats:
                self._tell(node, labels, value, stopped=sizes.get(labels) == 0)
        self._beats = beats
        self._said = {labels: value for labels, value in self._said.items() if labels in beats}

    def _tell(self, node: str, labels: Labels, value: float, *, stopped: bool) -> None:
        changed = self._beats[labels] != value
        if not stopped and changed:
            # A worker that waits for its last tasks goes on exporting after its goodbye.
            self._fleet.beat(node, late=True)
        # Once: it may have come back since, and the collector shows it a while longer as it was.
        if stopped and not changed and self._said.get(labels) != value:
            self._said[labels] = value
            self._fleet.left(node)

    def _nodes(self) -> dict[str, str]:
        """The node names of the workers that are known, by the names on their series."""
        return {worker_name(member): member.name for member in self._fleet.members((), asked=True)}

    def _node(self, labels: Mapping[str, str], nodes: Mapping[str, str]) -> str:
        """The node name; empty for a worker that is not known to be ours."""
        name = labels.get("worker_name", "")
        ours = labels.get("job") == self._job and "@" in name
        return nodes.get(name) or (name if ours else "")
