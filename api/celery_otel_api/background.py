"""What runs beside the requests while the service does: listening for hearts, and exporting the own series."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from celery_otel.errors import ConfigurationError as OtelConfigurationError
from celery_otel.settings import Settings
from celery_otel_api.cluster import Cluster
from celery_otel_api.collector_pages import CollectorPages
from celery_otel_api.errors import ConfigurationError
from celery_otel_api.heartbeats import CollectorHeartbeats, EventHeartbeats
from celery_otel_api.metrics import OwnMetrics
from celery_otel_api.recent_figures import RecentFigures
from celery_otel_api.remote import RemoteError

READ_INTERVAL = 10.0
"""Seconds between two looks at the hearts that the collector shows."""


@asynccontextmanager
async def background(cluster: Cluster) -> AsyncIterator[None]:
    """Runs it for a cluster, and keeps in its parts `metrics`, `collector` and `recent`.

    Raises:
        ConfigurationError: One of OpenTelemetry's variables, or an address, cannot be used.
    """
    async with AsyncExitStack() as stack:
        collector = _collector(cluster)
        cluster.parts["recent"] = RecentFigures(cluster.settings.prometheus_url)
        cluster.parts["metrics"] = own = OwnMetrics(cluster, collector, _settings())
        events = EventHeartbeats(cluster.app, cluster.fleet)
        stack.push_async_callback(asyncio.to_thread, events.close)
        events.start()
        if collector is not None:
            stack.push_async_callback(_cancelled, asyncio.create_task(_look(cluster, collector)))
        stack.push_async_callback(asyncio.to_thread, own.close)
        own.start()
        yield


def _collector(cluster: Cluster) -> CollectorPages | None:
    url = cluster.settings.collector_metrics_url
    cluster.parts["collector"] = collector = CollectorPages(url) if url else None
    return collector


def _settings() -> Settings:
    try:
        return Settings.read()
    except OtelConfigurationError as error:
        raise ConfigurationError(str(error)) from None


async def _look(cluster: Cluster, collector: CollectorPages) -> None:
    """Looks at the hearts again and again."""
    hearts = CollectorHeartbeats(cluster.fleet, str(cluster.app.main or "celery"))
    while True:
        # Why it cannot be read is kept by the collector's page, whose series and health say it.
        with suppress(RemoteError):
            page = await collector.get()
            await asyncio.to_thread(hearts.read, page)
        await asyncio.sleep(READ_INTERVAL)


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
