"""`GET /metrics`: the API's own series and, where the collector's address is known, all that the collector shows.

The own ones also go to the collector by OTLP, on the same path as a worker's: same exporters, settings and bounds.
"""

import asyncio
import threading
from functools import partial

from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from starlette.requests import Request
from starlette.responses import Response

from celery_otel import names
from celery_otel.failures import FailureLog
from celery_otel.metric import Readings
from celery_otel.settings import Settings
from celery_otel.telemetry.export_loop import ExportLoop
from celery_otel.telemetry.exporters import push_exporters
from celery_otel.telemetry.producer import MetricProducer
from celery_otel.telemetry.scrape import ScrapeReader
from celery_otel.version import VERSION
from celery_otel_api.cluster import Cluster
from celery_otel_api.collector_pages import OPENMETRICS, PLAIN, CollectorPages, is_openmetrics
from celery_otel_api.exposition import merged
from celery_otel_api.gauges import readings
from celery_otel_api.operation import NoParameters, Operation, Scope
from celery_otel_api.problems import ProblemError
from celery_otel_api.queue_status import queue_statuses
from celery_otel_api.queues import newest
from celery_otel_api.remote import RemoteError

OWN_SERIES = frozenset(metric.series for metric in names.API_METRICS)
CLOSE_TIMEOUT = 1.0
"""Seconds for the last export when the service ends."""
_SPARE = 1.0


class OwnMetrics:
    """The API's own series, for those who scrape it and for the collector. Made and used inside an event loop.

    Args:
        cluster: What is measured.
        collector: The collector's page; None if its address is not known.
        settings: OpenTelemetry's options.
    """

    def __init__(self, cluster: Cluster, collector: CollectorPages | None, settings: Settings) -> None:
        self._cluster = cluster
        self._collector = collector
        self._log = FailureLog()
        self._loop = asyncio.get_running_loop()
        self._one = threading.Lock()
        self._registry = CollectorRegistry()
        resource = api_resource(settings, str(cluster.app.main or "celery"))
        self._job = str(resource.attributes[SERVICE_NAME])
        producer = MetricProducer(self.read, resource, VERSION)
        # In OpenMetrics the collector's target_info is a gauge, and would clash with one that is an info.
        self._reader = ScrapeReader(producer.produce, self._registry, target_info=False)
        exporters = partial(push_exporters, settings)
        self._exports = ExportLoop(producer, exporters, settings.interval, lambda _: None, self._log)
        self._pushes = not settings.disabled and bool({"otlp", "console"} & set(settings.exporters))

    def start(self) -> None:
        """Begins to export, if the options say so."""
        if self._pushes:
            self._exports.start()

    def close(self) -> None:
        """Ends it, within a second. It blocks, and needs the event loop meanwhile."""
        self._exports.close(CLOSE_TIMEOUT)
        self._reader.shutdown()

    def read(self) -> Readings:
        """The series of this moment. For any thread but the event loop's, and only while that runs.

        Raises:
            TimeoutError: They could not be had in time.
            RuntimeError: The event loop has ended.
        """
        if self._loop.is_closed():
            raise RuntimeError("The service has ended.")
        reading = asyncio.run_coroutine_threadsafe(self._read(), self._loop)
        return reading.result(self._cluster.settings.deadline + _SPARE)

    async def _read(self) -> Readings:
        snapshot, survey = await newest(self._cluster, fresh=False)
        up = None if self._collector is None else self._collector.up
        return readings(snapshot, queue_statuses(survey, snapshot), collector_up=up)

    async def page(self, *, openmetrics: bool) -> str:
        """What `/metrics` shows.

        Args:
            openmetrics: As OpenMetrics, if the collector's page is that, too.

        Raises:
            TimeoutError: The own series could not be had in time.
        """
        relayed = await self._relayed(openmetrics=openmetrics)
        return await asyncio.to_thread(self._page, relayed, is_openmetrics(relayed) if relayed else openmetrics)

    async def _relayed(self, *, openmetrics: bool) -> str:
        """The collector's page; empty where there is none."""
        if self._collector is None:
            return ""
        try:
            return await self._collector.get(openmetrics=openmetrics)
        except RemoteError as error:
            self._log.tell("collector", f"celery-otel's API shows its own metrics alone. {error}")
            return ""

    def _page(self, relayed: str, openmetrics: bool) -> str:  # noqa: FBT001  # private, and called in a thread
        generate = generate_openmetrics if openmetrics else generate_latest
        # The reader hands its data over by a queue of its own, of which each scrape must find what it has put there.
        with self._one:
            own = generate(self._registry).decode()
        return merged(own, relayed, OWN_SERIES, self._job) + ("# EOF\n" if openmetrics else "")


def api_resource(settings: Settings, app_name: str) -> Resource:
    """The resource of the service: another service than the workers', and one instance however often it restarts.

    Args:
        settings: The options; a name given there wins.
        app_name: The name of the Celery application.
    """
    given = settings.resource_attributes
    name = settings.service_name or given.get(SERVICE_NAME) or f"{app_name}-api"
    return Resource.create({SERVICE_NAME: name, SERVICE_INSTANCE_ID: given.get(SERVICE_INSTANCE_ID) or name})


async def _metrics(request: Request, _: NoParameters) -> Response:
    own: OwnMetrics = request.app.state.cluster.parts["metrics"]
    try:
        page = await own.page(openmetrics="application/openmetrics-text" in request.headers.get("accept", ""))
    except TimeoutError:
        raise ProblemError(
            503,
            "metrics-late",
            "The metrics did not come in time",
            "The workers or the queues could not be asked within the deadline. Try again; if it stays, see /api/v1/"
            "celery/health, or raise CELERY_OTEL_API_DEADLINE.",
            headers={"Retry-After": "5"},
        ) from None
    return Response(page, headers={"Content-Type": OPENMETRICS if is_openmetrics(page) else PLAIN})


OPERATIONS = (
    Operation(
        "/metrics",
        _metrics,
        "Every series, for Prometheus",
        "The API's own series and, if CELERY_OTEL_API_COLLECTOR_METRICS_URL is set, those of the collector, each once; "
        "in Prometheus' text format, or as OpenMetrics for those who accept that. Scrape this or the collector, never "
        "both.",
        scope=Scope.METRICS,
        responses={200: None},
        media_type="text/plain",
    ),
)
