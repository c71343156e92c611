"""The rules and what goes with them: one source, nothing forgotten, names that exist, numbers that can be changed."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from celery_otel_api.application import operations
from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.rules import RulesError, alert_groups, recording_groups, thresholds, write_rules
from tests.unit.rules.shipped import (
    GUIDE,
    PROMETHEUS,
    RECORDED,
    RULES,
    RUNBOOKS,
    promtool_tests,
    queries,
    unknown_series,
)

SEVERITIES = {"critical", "warning", "info", "none"}
DASHBOARDS = {"overview", "task", "worker", "queues", "training", "resources", "pipeline"}
PAGES = (GUIDE, *sorted(RUNBOOKS.glob("*.md")))


def test_the_generated_files_are_current() -> None:
    """The rule files and the PrometheusRule are what `make rules` would write."""
    script = PROMETHEUS / "generate_rules.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)


def test_the_prometheus_rule_has_the_same_groups() -> None:
    """Who runs Prometheus' operator has the same rules, no more and no fewer."""
    resource = yaml.safe_load((ROOT / "docs" / "kubernetes" / "prometheus-rule.yaml").read_text())

    assert ("monitoring.coreos.com/v1", "PrometheusRule") == (resource["apiVersion"], resource["kind"])
    assert [*recording_groups(), *alert_groups()] == resource["spec"]["groups"]


def test_every_alert_has_its_numbers_and_no_numbers_are_left_over() -> None:
    """What stands in thresholds.yaml has an effect."""
    assert RULES.keys() == thresholds().keys()


def test_the_guide_s_alerts_keep_its_thresholds() -> None:
    """The four alerts of the guide fire at its numbers, after its times."""
    given = thresholds()

    assert (10, "5m") == (given["HighTaskFailureRate"]["threshold"], given["HighTaskFailureRate"]["for"])
    assert (100, "10m") == (given["QueueBacklog"]["threshold"], given["QueueBacklog"]["for"])
    assert (0.1, "5m") == (given["TaskTimeout"]["threshold"], given["TaskTimeout"]["for"])
    assert "1m" == given["WorkerDown"]["for"]


@pytest.mark.parametrize("name", RULES)
def test_an_alert_says_all_that_who_is_woken_needs(name: str) -> None:
    """Severity, summary, description, a runbook that exists and is linked from the guide, and a dashboard."""
    rule = RULES[name]
    labels, annotations = rule["labels"], rule["annotations"]
    runbook = RUNBOOKS / f"{name}.md"

    assert labels["severity"] in SEVERITIES
    assert labels["component"]
    assert annotations["summary"]
    assert annotations["description"].endswith((".", "}"))
    assert annotations["runbook_url"].endswith(f"/docs/runbooks/{name}.md")
    assert annotations["dashboard_url"].removeprefix("/d/celery-") in DASHBOARDS
    assert runbook.read_text().startswith(f"# {name}\n")
    assert f"(../runbooks/{name}.md)" in GUIDE.read_text()


def test_every_runbook_has_an_alert() -> None:
    """A runbook without an alert would never be read."""
    assert RULES.keys() == {path.stem for path in RUNBOOKS.glob("*.md") if path.stem != "index"}


@pytest.mark.parametrize("rule", [*RULES.values(), *RECORDED.values()], ids=lambda rule: next(iter(rule.values())))
def test_rules_ask_for_series_that_exist(rule: dict[str, Any]) -> None:
    """An alert on a series with a typing error never fires and never says why."""
    assert set() == unknown_series(rule["expr"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_ask_for_series_that_exist(page: Path) -> None:
    """What an operator copies at night from a runbook has the right names."""
    asked = queries(page.read_text())

    assert asked
    assert set() == {name for query in asked for name in unknown_series(query)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_ask_the_api_for_paths_that_it_has(page: Path) -> None:
    """Port 8000 is the API's, and what a runbook reads there exists."""
    asked = set(re.findall(r"http://localhost:8000(/\S*)", page.read_text()))

    assert asked <= {operation.path for operation in operations()}


def test_a_misspelt_series_is_found() -> None:
    """The check above does see names: in selectors, sums and recorded ones."""
    asked = 'sum(celery_task_totals{job="celery_workers"}) / celery_task:rate6m'

    assert {"celery_task_totals", "celery_task:rate6m"} == unknown_series(asked)


@pytest.mark.parametrize("name", RULES)
def test_promtool_sees_each_alert_fire_and_not_fire(name: str) -> None:
    """No alert is without a case in which it fires, and, but for the dead man's switch, one in which it does not."""
    fires = [bool(case["exp_alerts"]) for alert, case in promtool_tests() if alert == name]

    assert any(fires)
    assert name == "Watchdog" or not all(fires)


def test_numbers_can_be_changed_alert_by_alert(tmp_path: Path) -> None:
    """Changed numbers are in the rules that are written, and only there."""
    paths = write_rules(tmp_path / "rules", {"TaskTimeout": {"threshold": 3, "window": "20s", "for": "2s"}})
    rules = _alerts(paths)

    assert ["recording.yml", "alerts.yml"] == [path.name for path in paths]
    assert "rate(celery_task_timeouts_total[20s])" in rules["TaskTimeout"]["expr"]
    assert rules["TaskTimeout"]["expr"].rstrip().endswith("> 3")
    assert "2s" == rules["TaskTimeout"]["for"]
    assert {**RULES, "TaskTimeout": rules["TaskTimeout"]} == rules


def test_a_share_of_a_window_follows_the_window(tmp_path: Path) -> None:
    """Where an expression needs the window in seconds, it changes with it."""
    rules = _alerts(write_rules(tmp_path, {"WorkerNotReporting": {"window": "2m"}}))

    assert "120 / (changes(" in rules["WorkerNotReporting"]["expr"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"TaskTimeuot": {"for": "1s"}}, "TaskTimeuot"),
        ({"QueueBacklog": {"window": "1s"}}, "QueueBacklog has no window"),
        ({"WorkerNotReporting": {"window": "1h30m"}}, "'1h30m' is no window"),
    ],
    ids=["alert", "number", "window"],
)
def test_a_change_that_fits_nothing_is_an_error(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    """A misspelt change would otherwise leave a rule as it was."""
    with pytest.raises(RulesError, match=problem):
        write_rules(tmp_path, changes)


def _alerts(paths: list[Path]) -> dict[str, Any]:
    groups = [group for path in paths for group in yaml.safe_load(path.read_text())["groups"]]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}
