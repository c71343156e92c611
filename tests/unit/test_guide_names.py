"""Every name of the user's guide is here, and the pages that say so name only what exists."""

import re
from pathlib import Path

import pytest

from celery_otel.names import API_METRICS, METRICS
from celery_otel_api.application import operations
from celery_otel_pipeline.repository import ROOT

COMING = ROOT / "docs" / "guides" / "coming-from-the-guide.md"
TRAINING = ROOT / "docs" / "guides" / "training.md"
REFERENCE = ROOT / "docs" / "reference" / "metrics.md"
SERIES = {metric.series for metric in (*METRICS, *API_METRICS)}
SERIES_OF_THE_GUIDE = (
    "celery_task_duration_seconds",
    "celery_task_total",
    "celery_active_tasks",
    "celery_worker_pool_size",
    "celery_worker_pool_busy",
    "celery_worker_prefetch_count",
    "celery_queue_length",
    "celery_task_failure_rate",
    "celery_task_retries_total",
    "celery_task_timeouts_total",
)
API = "/api/v1/celery"
ENDPOINTS_OF_THE_GUIDE = (
    ("GET", f"{API}/tasks/status"),
    ("GET", f"{API}/tasks/{{task_id}}/status"),
    ("POST", f"{API}/tasks/{{task_id}}/revoke"),
    ("GET", f"{API}/workers/status"),
    ("GET", f"{API}/queues/status"),
    ("GET", f"{API}/metrics/summary"),
    ("GET", f"{API}/health"),
    ("GET", "/metrics"),
)
OTHER_WORDS_OF_THE_GUIDE = (
    *("setup_celery_metrics", "start_global_monitor", "get_celery_metrics_summary", "app.monitoring.celery_metrics"),
    *("HighTaskFailureRate", "WorkerDown", "QueueBacklog", "TaskTimeout", "start_flower.py", "Flower"),
    *("task_track_started", "task_time_limit", "task_soft_time_limit", "worker_prefetch_multiplier", "task_acks_late"),
    *("worker_max_tasks_per_child", "success rate", "P95 task duration", "worker utilization", "heatmap"),
)
NAMED = re.compile(r"\bcelery_(?:task|tasks|active|queue|result|training|tuning|process|gpu|beat|broker|worker_)\w*")
DERIVED = re.compile(r"_(bucket|sum|count)$")


@pytest.mark.parametrize("series", SERIES_OF_THE_GUIDE)
def test_a_series_of_the_guide_is_in_the_page_and_in_the_reference(series: str) -> None:
    """It is measured under its name, and both pages say so."""
    assert series in SERIES
    assert f"`{series}`" in COMING.read_text()
    assert f"## {series}\n" in REFERENCE.read_text()


@pytest.mark.parametrize(("method", "path"), ENDPOINTS_OF_THE_GUIDE)
def test_an_endpoint_of_the_guide_is_in_the_page_and_in_the_api(method: str, path: str) -> None:
    """The API answers there, and the page names it."""
    assert (method, path) in {(operation.method, operation.path) for operation in operations()}
    assert path in COMING.read_text()


@pytest.mark.parametrize("word", OTHER_WORDS_OF_THE_GUIDE)
def test_a_function_rule_query_or_option_of_the_guide_is_in_the_page(word: str) -> None:
    """The page says where it is, or how it differs."""
    assert word in COMING.read_text()


@pytest.mark.parametrize("page", [COMING, TRAINING], ids=lambda page: page.stem)
def test_the_pages_name_no_series_that_does_not_exist(page: Path) -> None:
    """Every series in a table or query of the two pages is one that is measured."""
    named = set(NAMED.findall(page.read_text()))
    assert set() == {name for name in named if name not in SERIES and DERIVED.sub("", name) not in SERIES}
