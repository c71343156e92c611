"""The tracer provider of a process: the user's if there is one, else one of ours, set once.

OpenTelemetry has one global provider in a process, which cannot be replaced or taken back. So there is one object for
it here too, shared by all instrumented applications: with the last of them it goes quiet, and stays set.
"""

import atexit
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from celery_otel.failures import FailureLog
from celery_otel.settings import Settings
from celery_otel.telemetry.batch import END_TIMEOUT, BoundedBatch
from celery_otel.telemetry.exporters import span_exporters
from celery_otel.telemetry.lazy_spans import LazySpans, Take
from celery_otel.telemetry.quiet_exporter import QuietExporter
from celery_otel.telemetry.resource import producer_resource
from celery_otel.telemetry.sampler import sampler

UNNAMED = "default"
"""What Celery calls the application that it makes by itself when one is asked for before the user has made any."""


class ProcessTracerProvider(TracerProvider):
    """A tracer provider that exports lazily and may change its mind about what process it is in.

    Args:
        settings: The options.
        resource: What the spans are about, until `become` says otherwise.
        log: Where failures are logged.
    """

    def __init__(self, settings: Settings, resource: Resource, log: FailureLog) -> None:
        # Not closed by the SDK at exit: that may take half a minute.
        super().__init__(sampler=sampler(settings), resource=resource, shutdown_on_exit=False)
        self.spans = LazySpans(lambda: _processors(settings, log), log)
        self.add_span_processor(self.spans)

    def become(self, resource: Resource) -> None:
        """Changes what the spans are about, also for tracers that are in use.

        Only when it starts its worker does a process know that it is one; the provider is there long before.
        """
        self._update_resource(resource)


def _processors(settings: Settings, log: FailureLog) -> Sequence[SpanProcessor]:
    return [
        SimpleSpanProcessor(exporter)
        if name == "console"
        else BoundedBatch(
            QuietExporter(name, exporter, log),
            max_queue_size=settings.span_queue,
            schedule_delay_millis=settings.span_delay * 1000,
            max_export_batch_size=min(settings.span_batch, settings.span_queue),
        )
        for name, exporter in span_exporters(settings).items()
    ]


class ProcessTracing:
    """The tracing of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._provider: ProcessTracerProvider | None = None
        self._app_name = ""
        self._producer_name = ""
        self._worker_instance = ""

    @property
    def provider(self) -> ProcessTracerProvider | None:
        """Our own provider; None where the user has set one, and where there is none."""
        return self._provider

    @contextmanager
    def used(self, settings: Settings, app_name: str) -> Iterator[None]:
        """Makes sure that there is a provider, as long as an application needs it.

        Args:
            settings: The options; the first application's count.
            app_name: The name of the application, which names the service unless that is set.
        """
        wanted = bool(settings.traces_exporters) and not settings.disabled
        if wanted:
            self._enter(settings, app_name)
        try:
            yield
        finally:
            if wanted:
                self._leave()

    @contextmanager
    def as_worker(self, resource: Resource) -> Iterator[None]:
        """Says in a worker's main process that this is one: its spans, and those of its children, are the worker's.

        Args:
            resource: The worker's.
        """
        provider = self._provider
        if provider is None:
            yield
            return
        before = provider.resource
        provider.become(resource)
        self._worker_instance = str(resource.attributes[SERVICE_INSTANCE_ID])
        try:
            yield
        finally:
            provider.become(before)
            self._worker_instance = ""

    def in_child(self) -> None:
        """Says in a new child of a worker that it is one: the SDK gives each forked process an identity of its own."""
        if self._provider is not None and self._worker_instance:
            self._provider.become(Resource({SERVICE_INSTANCE_ID: self._worker_instance}))

    def in_beat(self) -> None:
        """Says in a beat that a worker carries in itself (`-B`) that it is a producer, not the worker."""
        if self._provider is not None:
            self._provider.become(Resource({SERVICE_NAME: self._producer_name}))

    @contextmanager
    def diverted(self, take: Take) -> Iterator[None]:
        """Hands the spans that end in this process to somebody else: see `LazySpans.diverted`.

        Does nothing where the provider is the user's, whose processors are the user's too.
        """
        if self._provider is None:
            yield
            return
        with self._provider.spans.diverted(take):
            yield

    def flush(self) -> None:
        """Exports what waits in this process, for 2 seconds at most, whoever's the provider is.

        A thread, since `force_flush` keeps to no timeout.
        """
        flush = getattr(trace.get_tracer_provider(), "force_flush", None)
        if flush is None:
            return
        thread = threading.Thread(target=flush, name="celery-otel-flush", daemon=True)
        thread.start()
        thread.join(END_TIMEOUT)

    def _enter(self, settings: Settings, app_name: str) -> None:
        with self._lock:
            self._users += 1
            resource = producer_resource(settings, app_name)
            if self._provider is None and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
                self._provider = ProcessTracerProvider(settings, resource, FailureLog())
                trace.set_tracer_provider(self._provider)
            if self._provider is None:
                return
            if self._app_name in {"", UNNAMED}:
                self._app_name = app_name
                self._producer_name = str(resource.attributes[SERVICE_NAME])
                self._provider.become(resource)
            if self._users == 1:
                self._provider.spans.open()
                atexit.register(self._provider.spans.shutdown)

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._provider is not None and self._users == 0:
                atexit.unregister(self._provider.spans.shutdown)
                self._provider.spans.shutdown()


PROCESS_TRACING = ProcessTracing()
"""That of this process."""
