"""The dashboards' JSON is what the code makes, keeps the linter's rules, and has what the guide asks for."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from celery_otel_pipeline.repository import ROOT
from grafana.dashboards.addresses import Addresses
from grafana.generate_dashboards import JSON, contents, main
from grafana.reading import dashboards, panels
from tests.unit.grafana.lint import RULES, complaints, metrics_of

BOARDS = dashboards()
UIDS = (
    "celery-overview",
    "celery-pipeline",
    "celery-queues",
    "celery-resources",
    "celery-task",
    "celery-training",
    "celery-worker",
)
#: The guide's panels, by title and kind. Its "active against total workers" is called what it shows.
OF_THE_GUIDE = {
    ("Task execution rate, by task", "timeseries"),
    ("Busy slots, of all", "gauge"),
    ("Queue length", "timeseries"),
    ("Task duration", "heatmap"),
    ("Failure rate by task", "table"),
    ("CPU", "timeseries"),
    ("Memory", "timeseries"),
}
PROVISIONING = JSON.parent / "provisioning"
GUIDE = ROOT / "docs" / "guides" / "grafana.md"
ALERTS = ROOT / "collector" / "prometheus" / "rules" / "alerts.yml"
Change = Callable[[dict[str, Any]], object]


def test_the_json_is_what_the_code_makes() -> None:
    """The committed files are those that `make dashboards` would write, and no others."""
    assert contents(Addresses()) == {path.name: path.read_text() for path in JSON.glob("*.json")}


def test_the_generator_writes_other_addresses_elsewhere(tmp_path: Path) -> None:
    """Addresses given on the command line are behind the links, and a check finds that the files are current."""
    arguments = ["--directory", str(tmp_path), "--api-url", "https://celery.example.com/"]
    assert (1, 0, 0) == (main([*arguments, "--check"]), main(arguments), main([*arguments, "--check"]))
    (tmp_path / "celery-old.json").write_text("{}")
    assert 1 == main([*arguments, "--check"])
    written = json.loads((tmp_path / "celery-task.json").read_text())["templating"]["list"]
    assert ["https://celery.example.com"] == [entry["query"] for entry in written if entry["name"] == "api_url"]


def test_the_guides_command_writes_them(tmp_path: Path) -> None:
    """The command of the page on Grafana writes all dashboards, with the addresses that it names."""
    (command,) = re.findall(r"^\$ (PYTHONPATH=collector .+)$", GUIDE.read_text(), re.MULTILINE)
    command = command.replace("=collector", f"={ROOT / 'collector'}").replace(".venv/bin/python", sys.executable)
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)  # noqa: S607 - bash, wherever it is
    written = [path.read_text() for path in sorted((tmp_path / "dashboards").glob("*.json"))]
    assert len(UIDS) == len(written)
    assert all("https://jaeger.example.com" in text and "127.0.0.1" not in text for text in written)


def test_the_dashboards_are_those_that_alerts_link_to() -> None:
    """Their uids are fixed: alerts, pages and bookmarks lead there."""
    linked = set(re.findall(r"dashboard_url: /d/([\w-]+)", ALERTS.read_text()))
    assert linked
    assert set() == linked - set(UIDS)
    assert list(UIDS) == list(BOARDS)
    assert list(UIDS) == [board["uid"] for board in BOARDS.values()]


@pytest.mark.parametrize("uid", UIDS)
def test_a_dashboard_keeps_the_rules(uid: str) -> None:
    """The linter has nothing against it."""
    assert [] == complaints(BOARDS[uid])


def test_the_guides_panels_are_there() -> None:
    """Overview has the six panels that the monitoring guide names."""
    assert OF_THE_GUIDE <= {(panel.title, panel.kind) for panel in panels(BOARDS["celery-overview"])}


def test_durations_lead_to_traces() -> None:
    """The heatmaps of durations ask for exemplars, and the provisioned source leads from these to Jaeger."""
    heat = [
        panel for uid in ("celery-overview", "celery-task") for panel in panels(BOARDS[uid]) if panel.kind == "heatmap"
    ]
    assert [[True], [True]] == [[question.exemplars for question in panel.questions] for panel in heat]
    sources = yaml.safe_load((PROVISIONING / "datasources" / "celery-otel.yaml").read_text())["datasources"]
    prometheus, jaeger = sources
    (destination,) = prometheus["jsonData"]["exemplarTraceIdDestinations"]
    assert ("trace_id", jaeger["uid"]) == (destination["name"], destination["datasourceUid"])
    assert [("prometheus", "prometheus"), ("jaeger", "jaeger")] == [
        (source["uid"], source["type"]) for source in sources
    ]


def test_the_source_knows_the_scrape_interval() -> None:
    """Grafana's $__rate_interval follows from the interval that Prometheus scrapes at."""
    sources = yaml.safe_load((PROVISIONING / "datasources" / "celery-otel.yaml").read_text())["datasources"]
    scraping = yaml.safe_load((ROOT / "collector" / "prometheus" / "prometheus.yml").read_text())["global"]
    assert scraping["scrape_interval"] == sources[0]["jsonData"]["timeInterval"]


def _panel(board: dict[str, Any]) -> dict[str, Any]:
    """The first panel with lines, whose links need labels."""
    found: dict[str, Any] = next(panel for panel in board["panels"] if panel["title"] == "Task execution rate, by task")
    return found


def _table(board: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(panel for panel in board["panels"] if panel["type"] == "table")
    return found


def _target(board: dict[str, Any]) -> dict[str, Any]:
    target: dict[str, Any] = _panel(board)["targets"][0]
    return target


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("panels_say_what_they_show", lambda board: _panel(board).pop("description")),
        ("titles_are_unique", lambda board: _panel(board).update(title="Task duration")),
        ("the_datasource_can_be_chosen", lambda board: _target(board).update(datasource={"uid": "mine"})),
        ("panels_ask", lambda board: _panel(board).update(targets=[])),
        ("metrics_exist", lambda board: _target(board).update(expr="rate(celery_tasks_total[$__rate_interval])")),
        ("windows_follow_the_scrapes", lambda board: _target(board).update(expr="rate(celery_task_total[5m])")),
        ("counters_are_not_shown_bare", lambda board: _target(board).update(expr="sum(celery_task_total)")),
        ("the_apis_series_are_told_once", lambda board: _target(board).update(expr="sum(celery_queue_length)")),
        ("panels_do_not_overlap", lambda board: _panel(board)["gridPos"].update(x=4)),
        ("rows_are_filled", lambda board: _panel(board)["gridPos"].update(w=8)),
        ("ids_are_unique", lambda board: _panel(board).update(id=1)),
        ("variables_are_there_and_used", lambda board: _target(board).update(expr='up{job="$service"}')),
        ("links_have_what_they_need", lambda board: _target(board).update(expr="sum by (job) (up)")),
        (
            "rows_of_tables_have_one_set_of_labels",
            lambda board: _table(board)["targets"][0].update(expr="sum by (job, task_name) (celery_task_failure_rate)"),
        ),
        (
            "links_between_dashboards_lead_somewhere",
            lambda board: _panel(board)["fieldConfig"]["defaults"]["links"][0].update(url="/d/nowhere"),
        ),
    ],
)
def test_the_linter_finds_what_breaks_a_rule(rule: str, change: Change) -> None:
    """Each rule complains of a dashboard that breaks it."""
    spoilt = deepcopy(BOARDS["celery-overview"])
    change(spoilt)
    assert rule in {complaint.partition(":")[0] for complaint in complaints(spoilt)}
    assert rule in {entry.__name__ for entry in RULES}


def test_the_linter_reads_expressions() -> None:
    """Names of series are found among functions, labels, windows, texts and words of PromQL."""
    expression = (
        'time() - max by (worker_name) (a_seconds{job=~"$job", x="b_total"}) > 1e3 or '
        "rate(celery:c:rate5m[$__range]) and on (task_name) d unless vector(0)"
    )
    assert {"a_seconds", "celery:c:rate5m", "d"} == metrics_of(expression)
