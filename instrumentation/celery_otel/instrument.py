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

    def install(self) -> None:
        """Puts the hooks in, unless `OTEL_SDK_DISABLED` says not to."""
        if self._settings.disabled:
            return
        worker_step, consumer_step = step_classes(self._open)
        enter = self._stack.enter_context
        enter(connected(signals.before_task_publish, stamper(self._clock.wall)))
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
        from celery_otel.hooks.worker import WorkerTelemetry  # noqa: PLC0415
        from celery_otel.telemetry.pipeline import MetricsPipeline  # noqa: PLC0415

        pipeline = partial(MetricsPipeline, self._settings, self._app.main or "celery")
        telemetry = WorkerTelemetry(worker, self._settings, pipeline, self._clock)
        self._stack.callback(telemetry.close)
        return telemetry


_ATTRIBUTE = "celery_otel"
"""Where an application keeps its instrumentation: asking twice for one changes nothing."""


def instrument(app: Celery, *, settings: Settings | None = None) -> None:
    """Makes an application's workers count every attempt, and its publishers say when they publish.

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
