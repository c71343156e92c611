"""`telemetry.yaml` is the one description: what comes from it is current and keeps the rules of the names' owners."""

import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from celery_otel import attributes, names
from celery_otel.metric import Metric

ROOT = Path(__file__).parents[2]
TELEMETRY: dict[str, Any] = yaml.safe_load((ROOT / "instrumentation" / "celery_otel" / "telemetry.yaml").read_text())
SUFFIX_OF_UNIT = {"s": "_seconds", "By": "_bytes"}


def test_the_generated_files_are_current() -> None:
    """The constants and the reference page are what `make generate` would write."""
    script = ROOT / "instrumentation" / "generate_telemetry.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize("metric", [*names.METRICS, *names.API_METRICS], ids=lambda metric: metric.series)
def test_the_series_is_what_prometheus_makes_of_the_instrument(metric: Metric) -> None:
    """The name in Prometheus follows from the instrument's name, unit and kind as the Collector translates them."""
    counter = "_total" if metric.kind == "counter" else ""
    expected = metric.name.replace(".", "_").removesuffix(counter)
    expected += SUFFIX_OF_UNIT.get(metric.unit, "") + counter
    assert expected == metric.series
    assert metric.unit != "1", "a gauge with unit 1 gets _ratio"


@pytest.mark.parametrize("metric", names.METRICS, ids=lambda metric: metric.series)
def test_buckets_are_those_of_seconds_or_described(metric: Metric) -> None:
    """A histogram of anything but seconds says its own buckets, ascending; what is no histogram has none."""
    assert metric.bounds if metric.kind == "histogram" and metric.unit != "s" else True
    assert metric.kind == "histogram" or not metric.bounds
    assert tuple(sorted(set(metric.bounds))) == metric.bounds


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
        ("celery_queue_length", ("queue_name",)),
        ("celery_training_duration_seconds", ("model_type", "result")),
        ("celery_training_samples", ("model_type", "result")),
        ("celery_training_features", ("model_type", "result")),
        ("celery_training_runs_total", ("model_type", "result")),
        ("celery_training_models_total", ("model_type",)),
        ("celery_tuning_duration_seconds", ("method", "result")),
        ("celery_tuning_iterations", ("method", "result")),
        ("celery_tuning_runs_total", ("method", "result")),
        ("celery_tuning_best_score", ("method",)),
    ],
)
def test_the_guides_series_keep_their_names_and_labels(series: str, labels: tuple[str, ...]) -> None:
    """What the monitoring guide names is there under that name, with its labels."""
    assert {series: labels}.items() <= {
        metric.series: metric.labels for metric in (*names.METRICS, *names.API_METRICS)
    }.items()


def semantic_conventions() -> set[str]:
    """Every attribute of the installed semantic conventions."""
    packages = ("opentelemetry.semconv.attributes", "opentelemetry.semconv._incubating.attributes")
    modules = [
        import_module(f"{package}.{module.name}")
        for package in packages
        for module in pkgutil.iter_modules(import_module(package).__path__)
    ]
    return {value for module in modules for value in vars(module).values() if isinstance(value, str)}


def of_source(source: str) -> set[str]:
    """The attributes that come from there."""
    return {name for name, entry in TELEMETRY["attributes"].items() if entry["source"] == source}


def test_the_conventions_names_are_the_conventions() -> None:
    """What is said to come from the semantic conventions is in the installed version of them."""
    assert set() == of_source("semconv") - semantic_conventions()


def test_own_attributes_stay_in_their_namespace() -> None:
    """What is ours begins with celery, and never takes a name that the conventions or upstream have."""
    own = of_source("celery-otel")
    assert [] == [name for name in own if not name.startswith("celery.")]
    assert set() == own & semantic_conventions()


def test_every_attribute_has_a_constant() -> None:
    """`attributes.py` holds each attribute once."""
    constants = [value for key, value in vars(attributes).items() if key.isupper()]
    assert sorted(TELEMETRY["attributes"]) == sorted(constants)


@pytest.mark.parametrize("name", TELEMETRY["attributes"])
def test_an_attribute_is_described_whole(name: str) -> None:
    """Every attribute says its type, spans, condition, meaning, example and source, in known words."""
    entry = dict(TELEMETRY["attributes"][name])
    entry.pop("constant", None)
    entry.pop("prefix", None)
    assert {"type", "spans", "when", "meaning", "example", "source"} == set(entry)
    assert {*TELEMETRY["spans"], "link", "event"} >= set(entry["spans"])
    assert {"string": str, "int": int, "double": float, "bool": bool}[entry["type"]] is type(entry["example"])


def test_the_events_have_the_attributes_of_events() -> None:
    """Every attribute of an event is described as one, and every one so described is on an event."""
    described = {name for name, entry in TELEMETRY["attributes"].items() if "event" in entry["spans"]}
    assert described == {name for entry in TELEMETRY["events"].values() for name in entry["attributes"]}
    assert all(set(TELEMETRY["spans"]) >= set(entry["spans"]) for entry in TELEMETRY["events"].values())
