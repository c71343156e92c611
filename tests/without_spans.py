"""Instruments an application in pytest's own process, where no span may be made.

Where there are spans and no tracer provider, celery-otel sets one, for good: OpenTelemetry takes none back. All that
later tests of the same process publish would then have parents.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from celery import Celery

import celery_otel
from celery_otel.settings import Settings


@contextmanager
def instrumented(app: Celery) -> Iterator[Celery]:
    """An application that publishes as an instrumented one does, for as long as the context lasts."""
    celery_otel.instrument(app, settings=Settings.read({"OTEL_TRACES_EXPORTER": "none"}))
    try:
        yield app
    finally:
        celery_otel.uninstrument(app)
