"""Where the pages are that the dashboards link to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Addresses:
    """Addresses as a browser reaches them, without a slash at the end.

    Attributes:
        api: The page of celery-otel's API.
        jaeger: Jaeger's page.
    """

    api: str = "http://127.0.0.1:8000"
    jaeger: str = "http://127.0.0.1:16686"
