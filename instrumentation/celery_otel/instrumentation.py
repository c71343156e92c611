"""The one call of a user: wires the hooks of a Celery application to a pipeline, and takes everything back."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import Celery, current_app, signals
from opentelemetry.trace import NoOpTracer, TracerProvider

from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.failures import FailureLog, HookFailures
from celery_otel.hooks.child import ChildTracing
from celery_otel.hooks.children import forks
from celery_otel.hooks.eager import EagerTracing
from celery_otel.hooks.installed import Shared, connected, stepped
from celery_otel.hooks.publish import PublishInstrumentor
from celery_otel.hooks.spawned import SpawnedChild
from celery_otel.hooks.steps import WorkerLife, step_classes
from celery_otel.hooks.task_logs import TaskLogs
from celery_otel.hooks.upstream import UPSTREAM_SILENCE
from celery_otel.resources.global_monitor import BEAT, GLOBAL_MONITOR, WORKER
from celery_otel.settings import CLOSE_TIMEOUT, Settings
from celery_otel.telemetry.eager_spans import EagerSpans
from celery_otel.telemetry.producer_spans import ProducerSpans, tracer_of
from celery_otel.telemetry.tracing import PROCESS_TRACING

if TYPE_CHECKING:
    from celery_otel.hooks.worker import WorkerTelemetry


@contextmanager
def _processes() -> Iterator[None]:
    """Tells the tracing of a process what process it is in, and when that is about to end."""
    with (
        connected(signals.worker_process_init, lambda **_: PROCESS_TRACING.in_child()),
        connected(signals.worker_process_shutdown, lambda **_: PROCESS_TRACING.flush()),
        connected(signals.beat_embedded_init, lambda **_: PROCESS_TRACING.in_beat()),
    ):
        yield


PROCESSES = Shared(_processes)
"""Needed by every instrumented application."""


class Instrumentation:
    """What celery-otel has put into one application.

    Args:
        app: The application.
        settings: The options.
        clock: Where the time comes from.
    """

    def __init__(self, app: Celery, settings: Settings, clock: Clock = SYSTEM_CLOCK) -> None:
        self._app = app
        self._app_name = str(app.main or "celery")
        self._settings = settings
        self._clock = clock
        self._stack = ExitStack()
        # A spawned child runs the tasks of the copy that its worker has sent it, which is its current application.
        self._spawned = SpawnedChild(lambda: ChildTracing(None, app=current_app), self._task_logs)
        self._worker = "worker"
        self._beat: Any = None

    def install(self) -> None:
        """Puts the hooks in. With `OTEL_SDK_DISABLED`, only what passes on the time of publishing and the trace."""
        if not self._settings.disabled:
            self._measure()
        publishing = PublishInstrumentor(self._app, self._settings, self._producer_spans, self._clock.wall)
        publishing.instrument(skip_dep_check=True)
        self._stack.callback(publishing.uninstrument)

    def _measure(self) -> None:
        worker_step, consumer_step = step_classes(self._open)
        enter = self._stack.enter_context
        # The provider first: whoever asks for a tracer below shall get one of it.
        enter(PROCESS_TRACING.used(self._settings, self._app_name))
        enter(PROCESSES.used())
        enter(GLOBAL_MONITOR.known(self._settings, f"{self._app_name}-producer"))
        if self._settings.traces_exporters:
            enter(self._spawned)
            enter(EagerTracing(self._app, EagerSpans(tracer_of(), content=self._settings.capture_content)))
        enter(UPSTREAM_SILENCE.used())
        enter(connected(signals.beat_init, self._on_beat))
        enter(stepped(self._app.steps["worker"], worker_step))
        enter(stepped(self._app.steps["consumer"], consumer_step))

    def uninstall(self) -> None:
        """Takes everything back, also from workers that run in this process."""
        self._stack.close()

    def _producer_spans(self, provider: TracerProvider | None) -> ProducerSpans:
        tracer = NoOpTracer() if self._settings.disabled else tracer_of(provider)
        return ProducerSpans(tracer, self._settings.starts_new_trace, content=self._settings.capture_content)

    def _task_logs(self) -> AbstractContextManager[Any]:
        if not self._settings.log_correlation:
            return nullcontext()
        return TaskLogs(self._settings.service_name or self._app_name)

    def _open(self, worker: Any) -> WorkerLife | None:
        try:
            return self._telemetry(worker)
        except Exception as error:  # noqa: BLE001  # whatever it is, the worker starts without us
            FailureLog().tell("start", "celery-otel could not start: this worker runs unmonitored.", error)
            return None

    def _telemetry(self, worker: Any) -> WorkerLife:
        # Loaded here and below, since a web server that only publishes needs none of it. The runs of tasks, too: else
        # each child would load them for its first one.
        from celery_otel import training_run, tuning_run  # noqa: F401, PLC0415
        from celery_otel.hooks.embedded import beat_awaiter  # noqa: PLC0415

        telemetry = self._worker_telemetry(worker)
        self._spawned.close()
        telemetry.watch_resources(partial(self._resources, WORKER))
        self._trace_as(telemetry, diverted=forks(worker))
        self._stack.callback(telemetry.close)
        # After the worker's own last export, which takes as long as beat's: the two are at it at the same time.
        self._stack.enter_context(connected(signals.worker_shutdown, beat_awaiter(worker, CLOSE_TIMEOUT)))
        self._worker = self._settings.worker_name or str(worker.hostname)
        return telemetry

    def _worker_telemetry(self, worker: Any) -> "WorkerTelemetry":
        from celery_otel.hooks.state import open_state  # noqa: PLC0415
        from celery_otel.hooks.worker import WorkerTelemetry  # noqa: PLC0415
        from celery_otel.telemetry.pipeline import MetricsPipeline  # noqa: PLC0415
        from celery_otel.telemetry.resource import worker_identity  # noqa: PLC0415
        from celery_otel.telemetry.span_pipeline import SpanPipeline  # noqa: PLC0415

        # One log for both: an endpoint that is away is one line a minute, whatever is exported to it.
        log = FailureLog(self._clock)
        pipeline = partial(MetricsPipeline, self._settings, self._app_name, log)
        spans = partial(SpanPipeline, self._settings, self._app_name, log) if self._settings.traces_exporters else None
        state = partial(open_state, self._settings, partial(worker_identity, self._settings, self._app_name))
        return WorkerTelemetry(worker, self._settings, pipeline, spans, self._clock, state)

    def _trace_as(self, telemetry: "WorkerTelemetry", *, diverted: bool) -> None:
        """Has the spans that tasks make themselves carry the worker's name, and go with its own where it forks."""
        from celery_otel.telemetry.resource import worker_resource  # noqa: PLC0415

        resource = worker_resource(self._settings, self._app_name, telemetry.ledger.worker)
        self._stack.enter_context(PROCESS_TRACING.as_worker(resource))
        if diverted and telemetry.tracing is not None:
            self._stack.enter_context(PROCESS_TRACING.diverted(telemetry.tracing.spans.take))

    def _on_beat(self, sender: Any = None, **_: Any) -> None:
        known = self._beat is not None and self._beat.service is sender
        if sender.app is not self._app or known:
            return
        try:
            self._open_beat(sender)
        except Exception as error:  # noqa: BLE001  # whatever it is, beat starts without us
            FailureLog().tell("start", "celery-otel could not start: this beat runs unmonitored.", error)

    def _open_beat(self, service: Any) -> None:
        # Loaded here, as in a worker.
        from celery_otel.hooks.beat import BeatTelemetry  # noqa: PLC0415

        resources = partial(self._resources, BEAT)
        self._beat = BeatTelemetry(service, self._settings, self._beat_pipeline, resources, self._clock)
        self._stack.callback(self._beat.close)

    def _resources(self, kind: str, name: str, failures: HookFailures) -> Any:
        return GLOBAL_MONITOR.adopt(name, kind, self._settings, failures)

    def _beat_pipeline(self, embedded: bool, *how: Any) -> Any:  # noqa: FBT001  # called by position alone
        from celery_otel.telemetry.beat import BeatPipeline  # noqa: PLC0415

        worker = self._worker if embedded else None
        return BeatPipeline(self._settings, self._app_name, worker, *how)


_ATTRIBUTE = "celery_otel"
"""Where an application keeps its instrumentation: asking twice for one changes nothing."""


def instrument(app: Celery, *, settings: Settings | None = None) -> None:
    """Makes an application's workers count every attempt, and its publishers make spans and say when they publish.

    Unless a global tracer provider has been set before, by you or by `opentelemetry-instrument`, this sets one.

    Call it once, where the application is made: the workers, the web server and beat all import that module. A second
    call does nothing.

    Args:
        app: The application.
        settings: The options, if not those of the environment.

    Raises:
        ConfigurationError: An environment variable has a value that cannot be used.
    """
    if is_instrumented(app):
        return
    instrumentation = Instrumentation(app, settings or Settings.read())
    instrumentation.install()
    setattr(app, _ATTRIBUTE, instrumentation)


def is_instrumented(app: Celery) -> bool:
    """Whether `instrument` has been called for an application."""
    return hasattr(app, _ATTRIBUTE)


def uninstrument(app: Celery) -> None:
    """Takes back all that `instrument` put in: hooks, threads and sockets. Does nothing to an application without.

    One thing stays, since OpenTelemetry does not let it be taken back: the global tracer provider, if it was set here.
    With the last instrumented application it goes quiet, and exports nothing any more.
    """
    if is_instrumented(app):
        getattr(app, _ATTRIBUTE).uninstall()
        delattr(app, _ATTRIBUTE)


def setup_celery_metrics(app: Celery) -> None:
    """The same as `instrument`, under the name of the monitoring guide."""
    instrument(app)
