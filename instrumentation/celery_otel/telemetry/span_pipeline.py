"""The spans of one worker: decided at receipt, made at the end, encoded, queued and exported."""

from collections.abc import Callable, Iterable

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.semconv.schemas import Schemas

from celery_otel import names
from celery_otel.core.span import FinishedSpan
from celery_otel.core.span_queue import FULL_RATE, SpanQueue
from celery_otel.failures import FailureLog
from celery_otel.metric import Labels, Metric, Value
from celery_otel.recorder import Said, SpanRecorder
from celery_otel.settings import Settings
from celery_otel.telemetry.resource import worker_resource
from celery_otel.telemetry.span_encoder import RequestFrame, Shape, SpanEncoder
from celery_otel.telemetry.span_identity import IdentityMaker
from celery_otel.telemetry.span_loop import Pace, SpanLoop
from celery_otel.telemetry.span_senders import preload, span_senders
from celery_otel.version import VERSION

SCHEMA = Schemas.V1_44_0.value


class SpanPipeline:
    """Carries the spans of a worker's attempts to the exporters of the settings.

    Args:
        settings: The options.
        app_name: The name of the Celery application.
        worker: The worker's name.
        shape: Gives what is the same for every attempt of a task and queue.
        drain: Reads what children have said of their spans.
        failed: Called with the exporter's name for each request that fails.
        log: Where failures are logged.
    """

    def __init__(  # noqa: PLR0913  # a pipeline between these
        self,
        settings: Settings,
        app_name: str,
        worker: str,
        shape: Shape,
        drain: Callable[[], Iterable[Said]],
        failed: Callable[[str], None],
        log: FailureLog,
    ) -> None:
        preload(settings)
        self.identities = IdentityMaker(ambient_sampler())
        self._encoder = SpanEncoder(shape)
        self._queue = SpanQueue(int(settings.span_queue_seconds * FULL_RATE))
        self.recorder = SpanRecorder(self._emit, drain)
        scope = InstrumentationScope("celery_otel", VERSION, SCHEMA)
        frame = RequestFrame(worker_resource(settings, app_name, worker), scope)
        pace = Pace(settings.span_delay, settings.span_batch)
        self._loop = SpanLoop(
            self._queue, frame, lambda: span_senders(settings), self.recorder.complete, pace, failed, log
        )

    def _emit(self, span: FinishedSpan) -> None:
        self._queue.put(self._encoder.encode(span))

    def read(self) -> dict[Metric, dict[Labels, Value]]:
        """What became of the spans so far."""
        return {
            names.CELERY_OTEL_SPANS_EXPORTED: {(): self._queue.exported},
            names.CELERY_OTEL_SPANS_DROPPED: {(): self._queue.dropped},
            names.CELERY_OTEL_SPANS_WAITING: {(): len(self._queue) + self.recorder.waiting},
        }

    def start(self) -> None:
        """Begins to export; a second call does nothing."""
        self._loop.start()

    def stop(self) -> None:
        """Begins to export what is left."""
        self._loop.stop()

    def join(self, timeout: float) -> None:
        """Waits for the end of the last export, so many seconds at most."""
        self._loop.join(timeout)


def ambient_sampler() -> Sampler:
    """The sampler of this process: that of its tracer provider, so that producers, attempts and children agree."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        return provider.sampler
    return TracerProvider(shutdown_on_exit=False).sampler
