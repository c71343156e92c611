"""The charts of the last hour, of a real worker and a real Prometheus."""

from pathlib import Path

import anyio

from celery_otel_api.charts import ChartRoom
from celery_otel_api.charts_schemas import Charts
from celery_otel_api.prometheus import Prometheus
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.prometheus import PrometheusServer
from tests.integration.api.conftest import Scene


def _lines(charts: Charts) -> dict[str, set[str]]:
    """The lines of each chart that have a value."""
    return {
        chart.name: {line.label for line in chart.series if any(value is not None for _, value in line.points)}
        for chart in charts.charts
    }


def test_they_show_what_the_worker_has_done(scene: Scene, tmp_path: Path) -> None:
    """Outcomes, durations and slots of a worker are lines; a status that never came about is none."""
    port = free_port()
    scene.worker(
        OTEL_METRICS_EXPORTER="prometheus",
        OTEL_EXPORTER_PROMETHEUS_HOST=LOOPBACK,
        OTEL_EXPORTER_PROMETHEUS_PORT=str(port),
    )
    targets = {"celery_workers": f"{LOOPBACK}:{port}"}
    with PrometheusServer(tmp_path / "prometheus", targets=targets) as server:

        def drawn() -> dict[str, set[str]]:
            scene.send("add", 1, 2)
            scene.send("fail", "no more stock")
            return _lines(anyio.run(ChartRoom(Prometheus(server.url, 5), 10).get))

        expected = {
            "attempts": {"success", "failure"},
            "duration": {"p50", "p95"},
            "queues": set[str](),
            "slots": {"busy", "slots"},
        }
        wait_until(lambda: drawn() == expected, deadline=90, message=lambda: f"{drawn()}", interval=1)
