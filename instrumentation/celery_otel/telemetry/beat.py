"""The pipeline of one beat: a worker's, with an identity and a port of its own, and none of what the worker exports."""

import socket
from collections.abc import Callable
from dataclasses import replace

from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME

from celery_otel.failures import FailureLog
from celery_otel.metric import Readings
from celery_otel.settings import CLOSE_TIMEOUT, Settings
from celery_otel.telemetry.claim import NameClaim
from celery_otel.telemetry.pipeline import MetricsPipeline


class BeatPipeline:
    """Carries the readings of a beat to the exporters of the settings.

    Args:
        settings: The options.
        app_name: The name of the Celery application.
        worker: The name of the worker that beat is embedded in; None for one that is not.
        read: Gives every series of the moment.
        failed: Called with the exporter's name for each export that fails.

    Attributes:
        name: The beat's name.
    """

    def __init__(
        self,
        settings: Settings,
        app_name: str,
        worker: str | None,
        read: Callable[[], Readings],
        failed: Callable[[str], None],
    ) -> None:
        log = FailureLog()
        service = settings.service_name or settings.resource_attributes.get(SERVICE_NAME) or app_name
        self._claim = NameClaim(f"beat/{service}", beat_name(settings, worker))
        if self._claim.taken:
            log.tell("name", _SECOND.format(name=self._claim.name, service=service))
        self.name = self._claim.name
        own = beat_settings(settings, self.name, embedded=worker is not None)
        if own.exporters != settings.exporters:
            log.tell("prometheus", _NO_PORT)
        self._metrics = MetricsPipeline(own, app_name, log, self.name, read, failed)

    def start(self) -> None:
        """Begins to export and to serve."""
        self._metrics.start()

    def close(self) -> None:
        """Exports a last time, within 2 seconds, and ends."""
        self._metrics.close(CLOSE_TIMEOUT)
        self._claim.close()


def beat_name(settings: Settings, worker: str | None) -> str:
    """The name of a beat, under which nothing else exports: not the worker either that it is embedded in.

    Args:
        settings: The options.
        worker: The name of the worker that beat is embedded in; None for one that is not.
    """
    given = settings.resource_attributes.get(SERVICE_INSTANCE_ID)
    if worker is not None:
        # An identity given to the whole program is the worker's.
        return settings.beat_name or f"beat-{given or worker}"
    return settings.beat_name or given or f"beat@{socket.gethostname()}"


def beat_settings(settings: Settings, name: str, *, embedded: bool) -> Settings:
    """The settings of a beat's pipeline.

    Args:
        settings: The options, as for a worker.
        name: The beat's name.
        embedded: Whether a worker has the port of the exporter prometheus.
    """
    port = settings.beat_prometheus_port or (None if embedded else settings.prometheus_port)
    return replace(
        settings,
        resource_attributes={**settings.resource_attributes, SERVICE_INSTANCE_ID: name},
        exporters=tuple(name for name in settings.exporters if name != "prometheus" or port is not None),
        prometheus_port=port or settings.prometheus_port,
        # What a beat counts is not kept.
        state_directory=None,
    )


_SECOND = (
    "celery-otel calls this beat {name}: another beat of {service} runs on this machine under the name without the "
    "number. Each of them sends every entry of its schedule. Is that meant?"
)
_NO_PORT = (
    "celery-otel does not serve the metrics of the beat that is embedded in this worker: the port is the worker's. "
    "Give beat its own by CELERY_OTEL_BEAT_PROMETHEUS_PORT, export to a collector (OTEL_METRICS_EXPORTER=otlp), or "
    "run celery beat by itself."
)
