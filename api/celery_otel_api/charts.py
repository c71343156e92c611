"""The last hour in a few charts, for those who have a Prometheus and no Grafana."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from celery_otel_api.charts_schemas import Chart, Charts, ChartSeries
from celery_otel_api.cluster import Cluster
from celery_otel_api.operation import API, NoParameters, Operation
from celery_otel_api.prometheus import Prometheus, PrometheusError, Series

SPAN = 3600.0
STEP = 60.0
KEPT = 15.0
"""Seconds for which an answer is given again: Prometheus knows nothing new sooner."""
MOST_SERIES = 8
_NOT_CONFIGURED = "No Prometheus is configured: set CELERY_OTEL_API_PROMETHEUS_URL to its address to see the last hour."
_NOTHING_YET = "Prometheus has no series of Celery in the last hour. Does it scrape the collector?"


@dataclass(frozen=True, slots=True)
class Line:
    """A query, and what its series are called.

    Attributes:
        query: In PromQL.
        by: The label that names its series; empty if there is only one.
        name: The name of one without that label.
    """

    query: str
    by: str = ""
    name: str = "other"

    def named(self, series: Series) -> str:
        """What a series of it is called."""
        return series.labels.get(self.by) or self.name


@dataclass(frozen=True, slots=True)
class Sketch:
    """A chart, before it has points.

    Attributes:
        name: Its key.
        title: What it shows.
        unit: Of its values.
        lines: What is asked for it.
        zeros: Whether a line that was at zero all the time is drawn.
    """

    name: str
    title: str
    unit: str
    lines: tuple[Line, ...]
    zeros: bool = True


def _quantile(quantile: float) -> str:
    return f"histogram_quantile({quantile}, sum by (le) (rate(celery_task_duration_seconds_bucket[5m])))"


SKETCHES = (
    Sketch(
        "attempts",
        "Attempts by outcome",
        "per minute",
        (Line("60 * sum by (status) (rate(celery_task_total[5m]))", by="status"),),
        # Every task has a series of each status from the start.
        zeros=False,
    ),
    Sketch("duration", "Duration", "s", (Line(_quantile(0.5), name="p50"), Line(_quantile(0.95), name="p95"))),
    Sketch(
        "queues",
        "Queue length",
        "tasks",
        # The maximum: where the same queue is told twice, it is still one queue.
        (Line("max by (queue_name) (celery_queue_length)", by="queue_name"),),
    ),
    Sketch(
        "slots",
        "Busy of slots",
        "tasks",
        (Line("sum(celery_worker_pool_busy)", name="busy"), Line("sum(celery_worker_pool_size)", name="slots")),
    ),
)
"""What is drawn. A rate looks back five minutes, so that two scrapes that fail leave no hole."""


class ChartRoom:
    """Draws the charts, once for all who ask at the same time, and keeps them for a while. For one event loop.

    Args:
        prometheus: Who knows; None for nobody.
        deadline: Seconds for all of it.
        wall: Gives the Unix time.
        monotonic: The time that what is kept is measured by.
    """

    def __init__(
        self,
        prometheus: Prometheus | None,
        deadline: float,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._prometheus = prometheus
        self._deadline = deadline
        self._wall = wall
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._kept: tuple[float, Charts] | None = None

    async def get(self) -> Charts:
        """The charts."""
        async with self._lock:
            if self._kept is None or self._monotonic() - self._kept[0] >= KEPT:
                charts = await self._draw()
                self._kept = self._monotonic(), charts
            return self._kept[1]

    async def _draw(self) -> Charts:
        end = self._wall() // KEPT * KEPT
        try:
            async with asyncio.timeout(self._deadline):
                charts = await self._ask(end)
        except TimeoutError:
            return _charts(end, f"Prometheus took longer than {self._deadline:g} s.")
        except PrometheusError as error:
            return _charts(end, str(error))
        return _charts(end, "" if any(chart.series for chart in charts) else _NOTHING_YET, charts)

    async def _ask(self, end: float) -> list[Chart]:
        if self._prometheus is None:
            raise PrometheusError(_NOT_CONFIGURED)
        lines = [line for sketch in SKETCHES for line in sketch.lines]
        answers = await asyncio.gather(*(self._one(self._prometheus, line, end) for line in lines))
        found = dict(zip(lines, answers, strict=True))
        return [_chart(sketch, found) for sketch in SKETCHES]

    async def _one(self, prometheus: Prometheus, line: Line, end: float) -> list[Series]:
        return await asyncio.to_thread(prometheus.range, line.query, start=end - SPAN, end=end, step=STEP)


def _chart(sketch: Sketch, found: dict[Line, list[Series]]) -> Chart:
    drawn = [
        ChartSeries(label=line.named(series), points=series.points)
        for line in sketch.lines
        for series in found[line]
        if sketch.zeros or _ever(series)
    ]
    series = sorted(drawn, key=_last, reverse=True)[:MOST_SERIES]
    # By name, so that colours stay with what they stand for.
    series.sort(key=lambda one: one.label)
    return Chart(name=sketch.name, title=sketch.title, unit=sketch.unit, series=series)


def _ever(series: Series) -> bool:
    return any(value for _, value in series.points)


def _last(series: ChartSeries) -> float:
    known = [value for _, value in series.points if value is not None]
    return known[-1] if known else 0.0


def _charts(end: float, reason: str, charts: list[Chart] | None = None) -> Charts:
    return Charts(
        available=not reason, reason=reason, start=end - SPAN, end=end, step=STEP, charts=[] if reason else charts or []
    )


def _room(cluster: Cluster) -> ChartRoom:
    settings = cluster.settings
    prometheus = Prometheus(settings.prometheus_url, settings.deadline) if settings.prometheus_url else None
    room: ChartRoom = cluster.parts.setdefault("charts", ChartRoom(prometheus, settings.deadline))
    return room


async def charts(request: Request, parameters: NoParameters) -> Response:  # noqa: ARG001  # it takes none
    """The charts of the last hour."""
    found = await _room(request.app.state.cluster).get()
    return JSONResponse(found.model_dump(mode="json"), headers={"Cache-Control": "no-store"})


OPERATIONS = (
    Operation(
        f"{API}/charts",
        charts,
        "The last hour: attempts, durations, queues and slots",
        description="From Prometheus, when one is configured; asked at most every 15 s. Without one it says so.",
        responses={200: Charts},
    ),
)
