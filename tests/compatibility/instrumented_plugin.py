"""A plug-in of pytest that instruments every Celery application of the process, as `opentelemetry-instrument` does."""

from celery_otel.instrumentor import CeleryOtelInstrumentor


def pytest_configure() -> None:
    """Before the tests make their applications."""
    CeleryOtelInstrumentor().instrument(skip_dep_check=True)
