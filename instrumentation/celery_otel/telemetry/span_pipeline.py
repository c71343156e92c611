"""The spans of one worker: decided at receipt, made at the end, encoded, queued and exported."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from celery_otel import names
from celery_otel.core.span import FinishedSpan
from celery_otel.core.span_queue import FULL_RATE, SpanQueue
from celery_otel.failures import FailureLog
from celery_otel.metric import Labels, Metric, Value
from celery_otel.recorder import Said, SpanRecorder
from celery_otel.settings import Settings
from celery_otel.telemetry.onlookers import Onlookers, onlookers
from celery_otel.telemetry.producer_spans import SCHEMA
from celery_otel.telemetry.resource import worker_resource
from celery_otel.telemetry.sampler import sampler
from celery_otel.telemetry.span_encoder import RequestFrame, Shape, SpanEncoder, framed
from celery_otel.telemetry.span_identity import IdentityMaker
from celery_otel.telemetry.span_loop import Pace, SpanLoop
from celery_otel.telemetry.span_senders import span_senders
from celery_otel.version import VERSION


class SpanPipeline:
    """Carries the spans of a worker's attempts to the exporters of the settings.

    Args:
        settings: The options.
        app_name: The name of the Celery application.
        log: Where failures are logged.
        worker: The worker's name.
        shape: Gives what is the same for every attempt of a task and queue.
        drain: Reads what children have said of their spans.
        failed: Called with the exporter's name for each request that fails.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # a pipeline between these
        self,
        settings: Settings,
        app_name: str,
        log: FailureLog,
        worker: str,
        shape: Shape,
        drain: Callable[[], Iterable[Said]],
        failed: Callable[[str], None],
    ) -> None:
        self._log = log
        self.identities = IdentityMaker(ambient_sampler(settings), log=log)
        self._encoder = SpanEncoder(shape)
        self._queue = SpanQueue(int(settings.span_queue_seconds * FULL_RATE))
        self.recorder = SpanRecorder(self._emit, drain, announce=self._queue.announce)
        scope = InstrumentationScope("celery_otel", VERSION, SCHEMA)
        resource = worker_resource(settings, app_name, worker)
        frame = RequestFrame(resource, scope)
        self._onlookers = Onlookers(onlookers(), shape, resource, scope, log)
        pace = Pace(settings.span_delay, settings.span_batch)
        self._loop = SpanLoop(
            queue=self._queue,
            frame=frame,
            build=lambda: span_senders(settings),
            complete=self.recorder.complete,
            pace=pace,
            failed=failed,
            log=log,
        )

    def _emit(self, span: FinishedSpan) -> None:
        try:
            self._queue.put(self._encoder.encode(span))
        except Exception as error:  # noqa: BLE001  # what a child says comes through a socket, and may be anything
            self._without_said(span, error)
        self._onlookers.show(span)

    def _without_said(self, span: FinishedSpan, error: Exception) -> None:
        if not span.said:
            self._lose(error)
            return
        self._tell("celery-otel leaves out what a task set on its span: it cannot be encoded.", error)
        self._put(lambda: self._encoder.encode(replace(span, said={})))

    def _put(self, encode: Callable[[], bytes]) -> None:
        try:
            self._queue.put(encode())
        except Exception as error:  # noqa: BLE001  # whatever it is, the worker and its other spans go on
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        self._queue.lose()
        self._tell("celery-otel drops a span: it cannot be encoded.", error)

    def _tell(self, message: str, error: Exception) -> None:
        self._log.tell("span", message, error)

    def read(self) -> dict[Metric, dict[Labels, Value]]:
        """What became of the spans so far."""
        exported, dropped, waiting = self._queue.read()
        return {
            names.CELERY_OTEL_SPANS_EXPORTED: {(): exported},
            names.CELERY_OTEL_SPANS_DROPPED: {(): dropped},
            names.CELERY_OTEL_SPANS_WAITING: {(): waiting},
        }

    def start(self) -> None:
        """Begins to export; a second call does nothing."""
        self._loop.start()

    def take(self, span: ReadableSpan) -> None:
        """Takes a span that user code or another instrumentation has made in this process."""
        self._queue.announce()
        self._put(lambda: framed(span))

    def close(self, timeout: float) -> None:
        """Exports what is left, for so many seconds at most, and ends."""
        self._loop.stop()
        self._loop.join(timeout)


def ambient_sampler(settings: Settings) -> Sampler:
    """The sampler of this process: its tracer provider's, so that producers, attempts and what is below them agree."""
    provider = trace.get_tracer_provider()
    return provider.sampler if isinstance(provider, TracerProvider) else sampler(settings)
