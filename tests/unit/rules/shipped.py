"""The shipped rules, and what in the repository goes with them."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from celery_otel.names import API_METRICS, METRICS
from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.rules import alert_groups, recording_groups

PROMETHEUS = ROOT / "collector" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
GUIDE = ROOT / "docs" / "guides" / "alerts.md"
RULES = {rule["alert"]: rule for group in alert_groups() for rule in group["rules"]}
RECORDED = {rule["record"]: rule for group in recording_groups() for rule in group["rules"]}
HISTOGRAM = ("_bucket", "_sum", "_count")
SERIES = {metric.series for metric in (*METRICS, *API_METRICS)} | {
    metric.series + suffix for metric in METRICS if metric.kind == "histogram" for suffix in HISTOGRAM
}
NAME = re.compile(r"\bcelery_[a-z_:0-9]+")


def unknown_series(expression: str) -> set[str]:
    """The names in a PromQL expression that neither `telemetry.yaml` nor the recording rules have."""
    # Names of jobs, and what is compared with them, are no series.
    bare = re.sub(r'"[^"]*"', '""', expression)
    return set(NAME.findall(bare)) - SERIES - RECORDED.keys()


def queries(page: str) -> list[str]:
    """The queries of a page: each line of a block of promql, or the whole block if a line is indented."""
    blocks = re.findall(r"```promql\n(.*?)```", page, re.DOTALL)
    return [query for block in blocks for query in _queries(block)]


def _queries(block: str) -> list[str]:
    lines = [line for line in block.splitlines() if line and not line.startswith("#")]
    return ["\n".join(lines)] if any(line.startswith((" ", "/")) for line in lines) else lines


def promtool_tests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each expectation of the promtool tests of the shipped alerts: the alert's name, and what is expected."""
    for path in sorted((PROMETHEUS / "tests").glob("*.yml")):
        document = yaml.safe_load(path.read_text())
        if "../rules/alerts.yml" not in document.get("rule_files", []):
            continue
        for case in document["tests"]:
            yield from ((one["alertname"], one) for one in case.get("alert_rule_test", []))
