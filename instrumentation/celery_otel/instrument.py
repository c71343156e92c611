"""The one call of a user: wires the hooks of a Celery application to a pipeline, and takes everything back."""

from contextlib import ExitStack
from functools import partial
from typing import Any

from celery import Celery, signals

from celery_otel.core.clock import SYSTEM_CLOCK, Clock
from celery_otel.failures import FailureLog
from celery_otel.hooks.installed import connected, stepped
from celery_otel.hooks.publish import stamper
from celery_otel.hooks.steps import WorkerLife, step_classes
from celery_otel.settings import Settings


class Instrumentation:
    """What celery-otel has put into one application.

    Args:
        app: The application.
        settings: The options.
        clock: Where the time comes from.
    """

    def __init__(self, app: Celery, settings: Settings, clock: Clock = SYSTEM_CLOCK) -> None:
        self._app = app
        self._settings = settings
        self._clock = clock
        self._stack = ExitStack()
        self._worker = "worker"
        self._beat: Any = None

    def install(self) -> None:
        """Puts the hooks in, unless `OTEL_SDK_DISABLED` says not to."""
        if self._settings.disabled:
            return
        worker_step, consumer_step = step_classes(self._open)
        enter = self._stack.enter_context
        enter(connected(signals.before_task_publish, stamper(self._clock.wall)))
        enter(connected(signals.beat_init, self._on_beat))
        enter(stepped(self._app.steps["worker"], worker_step))
        enter(stepped(self._app.steps["consumer"], consumer_step))

    def uninstall(self) -> None:
        """Takes everything back, also from workers that run in this process."""
        self._stack.close()

    def _open(self, worker: Any) -> WorkerLife | None:
        try:
            return self._telemetry(worker)
        except Exception as error:  # noqa: BLE001  # whatever it is, the worker starts without us
            FailureLog().tell("start", "celery-otel could not start: this worker runs unmonitored.", error)
            return None

    def _telemetry(self, worker: Any) -> WorkerLife:
        # Loaded here, since a web server that only publishes needs none of it.
        from celery_otel.hooks.embedded import beat_awaiter  # noqa: PLC0415
        from celery_otel.hooks.worker import WorkerTelemetry  # noqa: PLC0415
        from celery_otel.telemetry.pipeline import CLOSE_TIMEOUT, MetricsPipeline  # noqa: PLC0415

        pipeline = partial(MetricsPipeline, self._settings, self._app.main or "celery")
        telemetry = WorkerTelemetry(worker, self._settings, pipeline, self._clock)
        self._stack.callback(telemetry.close)
        # After the worker's own last export, which takes as long as beat's: the two are at it at the same time.
        self._stack.enter_context(connected(signals.worker_shutdown, beat_awaiter(worker, CLOSE_TIMEOUT)))
        self._worker = self._settings.worker_name or str(worker.hostname)
        return telemetry

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

        self._beat = BeatTelemetry(service, self._settings, self._beat_pipeline, self._clock)
        self._stack.callback(self._beat.close)

    def _beat_pipeline(self, embedded: bool, *how: Any) -> Any:  # noqa: FBT001  # called by position alone
        from celery_otel.telemetry.beat import BeatPipeline  # noqa: PLC0415

        worker = self._worker if embedded else None
        return BeatPipeline(self._settings, self._app.main or "celery", worker, *how)


_ATTRIBUTE = "celery_otel"
"""Where an application keeps its instrumentation: asking twice for one changes nothing."""


def instrument(app: Celery, *, settings: Settings | None = None) -> None:
    """Makes an application's workers count every attempt, its publishers say when they publish, and beat when it ticks.

    Call it once, where the application is made: the workers, the web server and beat all import that module. A second
    call does nothing.

    Args:
        app: The application.
        settings: The options, if not those of the environment.

    Raises:
        ConfigurationError: An environment variable has a value that cannot be used.
    """
    if hasattr(app, _ATTRIBUTE):
        return
    instrumentation = Instrumentation(app, settings or Settings.read())
    instrumentation.install()
    setattr(app, _ATTRIBUTE, instrumentation)


def uninstrument(app: Celery) -> None:
    """Takes back all that `instrument` put in: hooks, threads and sockets. Does nothing to an application without."""
    if hasattr(app, _ATTRIBUTE):
        getattr(app, _ATTRIBUTE).uninstall()
        delattr(app, _ATTRIBUTE)


def setup_celery_metrics(app: Celery) -> None:
    """The same as `instrument`, under the name of the monitoring guide."""
    instrument(app)
