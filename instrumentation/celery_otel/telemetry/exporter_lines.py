"""Keeps what OpenTelemetry's exporters log on our own threads out of the worker's log, and keeps the reason."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_NOISY_LOGGERS = (
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http._common",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.exporter.otlp.proto.common._exporter_metrics",
    "urllib3.connectionpool",
)


class ExporterLines(logging.Filter):
    """Keeps what exporters say on one thread out of the log, where we say it once a minute, and keeps the reason."""

    def __init__(self) -> None:
        super().__init__()
        self._thread: int | None = None
        self.reason = ""
        """The first complaint since this was emptied: later ones only say that no other try was made."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is from another thread."""
        if record.thread != self._thread:
            return True
        if record.levelno >= logging.WARNING:
            self.reason = self.reason or record.getMessage()
        return False

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Takes them from the calling thread."""
        self._thread = threading.get_ident()
        for name in _NOISY_LOGGERS:
            logging.getLogger(name).addFilter(self)
        try:
            yield
        finally:
            for name in _NOISY_LOGGERS:
                logging.getLogger(name).removeFilter(self)
