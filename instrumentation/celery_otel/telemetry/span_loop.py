"""A thread of our own that exports the spans of a worker's attempts, in batches, until each is delivered or dropped.

The SDK's batch processor is not used in MAIN: it drops a batch that fails (2,789 of 20,000 spans when a collector was
away for 5 s), and it starts a thread in every child that is forked later.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from celery_otel.core.span_queue import SpanQueue
from celery_otel.failures import FailureLog
from celery_otel.telemetry.exporter_lines import ExporterLines
from celery_otel.telemetry.span_encoder import RequestFrame
from celery_otel.telemetry.span_senders import Delivery, SpanSender

THREAD_NAME = "celery-otel-spans"
RETRY_DELAY = 1.0
"""Seconds between two tries of a batch; the exporter has waited in between, too."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How spans are exported: OTEL_BSP_SCHEDULE_DELAY and OTEL_BSP_MAX_EXPORT_BATCH_SIZE.

    Attributes:
        delay: Seconds between two looks at the queue.
        batch: The most spans in one request.
    """

    delay: float
    batch: int


class SpanLoop:
    """Exports what is in a queue, on a thread that no child inherits.

    Args:
        queue: What waits.
        frame: Makes a request of a batch.
        build: Builds the senders, by exporter name; called on the thread, and once more for the last export.
        complete: Called before each export, to bring spans that are nearly ready into the queue; with True the last
            time, when nothing more is worth waiting for.
        pace: How often, and how many at once.
        failed: Called with the exporter's name for each request that fails.
        log: Where failures are logged.
    """

    def __init__(  # noqa: PLR0913  # a loop between these
        self,
        *,
        queue: SpanQueue,
        frame: RequestFrame,
        build: Callable[[], Mapping[str, SpanSender]],
        complete: Callable[[bool], None],
        pace: Pace,
        failed: Callable[[str], None],
        log: FailureLog,
    ) -> None:
        self._queue = queue
        self._frame = frame
        self._build = build
        self._complete = complete
        self._pace = pace
        self._failed = failed
        self._log = log
        self._senders: Mapping[str, SpanSender] = {}
        self._delivered: set[str] = set()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lines = ExporterLines()

    def start(self) -> None:
        """Starts the thread; a second call does nothing."""
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tells the thread to export what is left and to end."""
        if self._thread is None:
            return
        senders = self._senders
        self._stopping.set()
        # This wakes one that waits for its next try: the collector may be back by now.
        self._shut_down(senders)

    def join(self, timeout: float) -> None:
        """Waits for the thread's end, so many seconds at most; says what is lost if that is not enough."""
        if self._thread is None:
            return
        self._thread.join(timeout)
        if left := len(self._queue):
            self._tell(f"celery-otel loses {left} spans with this worker: the collector did not take them in time.")

    def _run(self) -> None:
        with self._lines.taken():
            if not self._open():
                return
            pause = self._pace.delay
            while not self._stopping.wait(pause):
                self._bring()
                pause = self._pace.delay if self._drain() else RETRY_DELAY
            if self._open():
                self._bring(everything=True)
                self._drain(last=True)
                self._shut_down(self._senders)

    def _bring(self, *, everything: bool = False) -> None:
        try:
            self._complete(everything)
        except Exception as error:  # noqa: BLE001  # whatever it is, what is in the queue is exported all the same
            self._log.tell("span", "celery-otel could not make the spans of all attempts that have ended.", error)

    def _open(self) -> bool:
        try:
            self._senders = self._build()
        except Exception as error:  # noqa: BLE001  # whatever an exporter raises, the worker goes on
            self._failed("otlp")
            self._tell("celery-otel exports no spans: an exporter could not be built.", error)
            return False
        return True

    def _drain(self, *, last: bool = False) -> bool:
        """Exports until the queue is empty, or a batch fails; whether none did."""
        while batch := self._queue.take(self._pace.batch):
            if self._stopping.is_set() and not last:
                return True
            if not self._deliver(self._frame.request(batch)):
                return False
        return True

    def _deliver(self, request: bytes) -> bool:
        """Sends a request to everyone who has not had it; whether it is settled."""
        refused = False
        for name, sender in self._senders.items():
            if name in self._delivered:
                continue
            delivery, reason = self._try(sender, request)
            if delivery is not Delivery.DONE:
                self._failed(name)
                self._say_failed(name, delivery, reason)
            if delivery is Delivery.LATER:
                return False
            refused = refused or delivery is Delivery.NEVER
            self._delivered.add(name)
        self._delivered.clear()
        (self._queue.drop if refused else self._queue.done)()
        return True

    def _try(self, sender: SpanSender, request: bytes) -> tuple[Delivery, str]:
        self._lines.reason = ""
        try:
            return sender.send(request), self._lines.reason or "the exporter gave up."
        except Exception as error:  # noqa: BLE001  # whatever an exporter raises, the worker goes on
            return Delivery.LATER, f"{type(error).__name__}: {error}."

    def _say_failed(self, name: str, delivery: Delivery, reason: str) -> None:
        if self._stopping.is_set():
            return
        kept = "They are kept and sent again." if delivery is Delivery.LATER else "They are dropped."
        self._tell(
            f"celery-otel could not export spans by {name}: {reason} {kept} Is the collector up, and is the endpoint "
            "right?"
        )

    def _shut_down(self, senders: Mapping[str, SpanSender]) -> None:
        for sender in senders.values():
            try:
                sender.shutdown()
            except Exception as error:  # noqa: BLE001  # whatever an exporter raises, the worker goes on
                self._tell("celery-otel could not close an exporter.", error)

    def _tell(self, message: str, error: Exception | None = None) -> None:
        self._log.tell("export", message, error)
