"""The monitor of a process that is no instrumented worker or beat: it has an exporting pipeline of its own.

When the monitor is asked for, a worker's module is still being loaded, and what the process becomes is not known. So
this waits, and opens only if nobody has taken the monitor over meanwhile.
"""

import atexit
import os
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME

from celery_otel import names
from celery_otel.core.tables import CounterTable
from celery_otel.failures import FailureLog, HookFailures
from celery_otel.metric import Labels, Metric, Value
from celery_otel.resources.monitor import HOOK, Meters, ResourceMonitor, process_meter
from celery_otel.settings import CLOSE_TIMEOUT, Settings
from celery_otel.telemetry.claim import NameClaim
from celery_otel.telemetry.pipeline import MetricsPipeline

GRACE = 10.0
"""The least time between the call and the first export, in seconds: by then a worker has taken the monitor over."""
_NO_PORT = (
    "celery-otel does not serve the resources of this process by itself: the port would be missing to a worker of this "
    "machine. Export to a collector (OTEL_METRICS_EXPORTER=otlp)."
)


class LoneMonitor:
    """Waits, reads and exports, from its start until its end or that of the process.

    Args:
        settings: The options.
        service: The name of the service, unless the settings have one.
        process_type: The value of the label `process_type`.
        interval: Seconds between two readings.
        grace: Seconds until it opens.
        open_meter: Makes what reads.
    """

    def __init__(
        self,
        settings: Settings,
        service: str,
        process_type: str,
        interval: float,
        *,
        grace: float = GRACE,
        open_meter: Callable[[], Meters] = process_meter,
    ) -> None:
        self._settings = settings
        self._service = settings.service_name or settings.resource_attributes.get(SERVICE_NAME) or service
        self._process_type, self._interval = process_type, interval
        self._open_meter = open_meter
        self._pid = os.getpid()
        self._log = FailureLog()
        self._errors, self._failed_exports = CounterTable(), CounterTable()
        self._failures = HookFailures(self._errors.add, self._log)
        self._monitor: ResourceMonitor | None = None
        self._stack = ExitStack()
        self._timer = threading.Timer(max(grace, interval), self._open)
        self._timer.daemon = True

    def start(self) -> None:
        """Begins to wait."""
        self._timer.start()
        atexit.register(self.close)
        self._stack.callback(atexit.unregister, self.close)

    def configure(self, interval: float, process_type: str) -> None:
        """Goes on with these."""
        self._process_type, self._interval = process_type, interval
        if self._monitor is not None:
            self._monitor.configure(interval, process_type)

    def close(self) -> None:
        """Exports a last time, within 2 seconds, and ends. Nothing in a child."""
        if os.getpid() != self._pid:
            return
        self._timer.cancel()
        self._timer.join(CLOSE_TIMEOUT)
        self._stack.close()

    def _open(self) -> None:
        with self._failures.taken(HOOK):
            settings = self._own_settings()
            name = settings.resource_attributes[SERVICE_INSTANCE_ID]
            monitor = ResourceMonitor(name, self._process_type, self._interval, self._failures, self._open_meter)
            pipeline = MetricsPipeline(settings, self._service, self._log, name, self._read, self._failed_exports.add)
            self._monitor = monitor
            self._stack.callback(pipeline.close, CLOSE_TIMEOUT)
            self._stack.callback(monitor.close)
            monitor.start()
            pipeline.start()

    def _own_settings(self) -> Settings:
        settings = self._settings
        given = settings.resource_attributes.get(SERVICE_INSTANCE_ID)
        claim = NameClaim(f"resources/{self._service}", given or f"{self._process_type}@{socket.gethostname()}")
        self._stack.callback(claim.close)
        if "prometheus" in settings.exporters:
            self._log.tell("prometheus", _NO_PORT)
        return replace(
            settings,
            resource_attributes={**settings.resource_attributes, SERVICE_INSTANCE_ID: claim.name},
            exporters=tuple(name for name in settings.exporters if name != "prometheus"),
        )

    def _read(self) -> dict[Metric, dict[Labels, Value]]:
        own: dict[Metric, dict[Labels, Value]] = {
            names.CELERY_OTEL_HOOK_ERRORS: {(HOOK,): 0, **self._errors},
            names.CELERY_OTEL_EXPORT_FAILURES: dict(self._failed_exports),
        }
        return own if self._monitor is None else {**own, **self._monitor.read()}
