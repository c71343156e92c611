"""`telemetry.yaml` is the one description: what comes from it is current and keeps the rules of Prometheus' names."""

import subprocess
import sys
from pathlib import Path

import pytest

from celery_otel import names
from celery_otel.metric import Metric

ROOT = Path(__file__).parents[2]
SUFFIX_OF_UNIT = {"s": "_seconds"}


def test_the_generated_files_are_current() -> None:
    """The constants and the reference page are what `make generate` would write."""
    script = ROOT / "instrumentation" / "generate_telemetry.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize("metric", names.METRICS, ids=lambda metric: metric.series)
def test_the_series_is_what_prometheus_makes_of_the_instrument(metric: Metric) -> None:
    """The name in Prometheus follows from the instrument's name, unit and kind as the Collector translates them."""
    expected = metric.name.replace(".", "_").removesuffix("_total")
    expected += SUFFIX_OF_UNIT.get(metric.unit, "") + ("_total" if metric.kind == "counter" else "")
    assert expected == metric.series
    assert metric.unit != "1", "a gauge with unit 1 gets _ratio"


@pytest.mark.parametrize(
    ("series", "labels"),
    [
        ("celery_task_duration_seconds", ("task_name", "status")),
        ("celery_task_total", ("task_name", "status")),
        ("celery_active_tasks", ("task_name",)),
        ("celery_worker_pool_size", ("worker_name",)),
        ("celery_worker_pool_busy", ("worker_name",)),
        ("celery_worker_prefetch_count", ("worker_name",)),
        ("celery_task_failure_rate", ("task_name",)),
        ("celery_task_retries_total", ("task_name", "reason")),
        ("celery_task_timeouts_total", ("task_name", "limit")),
    ],
)
def test_the_guides_series_keep_their_names_and_labels(series: str, labels: tuple[str, ...]) -> None:
    """What the monitoring guide names is there under that name, with its labels."""
    assert {series: labels}.items() <= {metric.series: metric.labels for metric in names.METRICS}.items()
