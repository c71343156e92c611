"""A linter for dashboards: each rule takes a dashboard's content and returns what it has against it."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from celery_otel import names
from celery_otel_pipeline.repository import ROOT
from grafana.reading import Shown, panels

RULES_FILE = ROOT / "collector" / "prometheus" / "rules" / "recording.yml"
BUILT_IN = {"up", "scrape_samples_scraped", "ALERTS", "ALERTS_FOR_STATE"}
API_SERIES = {metric.series for metric in names.API_METRICS}
COLUMNS = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_FILTERS = re.compile(r"\{[^}]*\}")
_WINDOW = re.compile(r"(\w+)\s*\([\w:]+(?:\{[^}]*\})?\[([^\]]*)\]")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAME = re.compile(r"(?<![\w:.$])[a-zA-Z_:][\w:]*\b(?!\s*\()")
_OF_COUNTERS = ("_total", "_bucket", "_count", "_sum")
_WORDS = {"and", "or", "unless", "bool", "offset"}
_FIELD_LABEL = re.compile(r"\$\{__field\.labels\.(\w+)\}")
_COLUMN = re.compile(r"\$\{__data\.fields\.(\w+)\}")
_VARIABLE = re.compile(r"\$\{?(?!__)(\w+)")

Rule = Callable[[Mapping[str, Any]], Iterator[str]]


def metrics_of(expression: str) -> set[str]:
    """Return the names of the series in an expression."""
    bare = _GROUPING.sub(" ", _FILTERS.sub(" ", _TEXT.sub(" ", re.sub(r"\[[^\]]*\]", " ", expression))))
    return set(_NAME.findall(bare)) - _WORDS


def known_metrics() -> set[str]:
    """Return every series that telemetry.yaml or a recording rule makes, and Prometheus' own."""
    described = {metric.series: metric.kind for metric in (*names.METRICS, *names.API_METRICS)}
    plain = {series for series, kind in described.items() if kind != "histogram"}
    parts = {
        f"{series}_{part}"
        for series, kind in described.items()
        if kind == "histogram"
        for part in ("bucket", "sum", "count")
    }
    groups = yaml.safe_load(RULES_FILE.read_text())["groups"]
    return plain | parts | {rule["record"] for group in groups for rule in group["rules"]} | BUILT_IN


def _shown(board: Mapping[str, Any]) -> list[Shown]:
    return [panel for panel in panels(board) if panel.kind != "row"]


def _links(panel: Shown) -> list[str]:
    config = panel.content["fieldConfig"]
    ours = [link["url"] for link in config["defaults"].get("links", ())]
    properties = [entry for override in config["overrides"] for entry in override["properties"]]
    return ours + [link["url"] for entry in properties if entry["id"] == "links" for link in entry["value"]]


def panels_say_what_they_show(board: Mapping[str, Any]) -> Iterator[str]:
    """Title, description and unit are there."""
    for panel in _shown(board):
        said = {"title": panel.title, "description": panel.content.get("description"), "unit": panel.unit}
        yield from (f"{panel.title}: no {part}" for part, text in said.items() if not text)


def titles_are_unique(board: Mapping[str, Any]) -> Iterator[str]:
    """No two panels of a row have the same title."""
    row = ""
    found: Counter[tuple[str, str]] = Counter()
    for panel in panels(board):
        row = panel.title if panel.kind == "row" else row
        found[row, panel.title] += panel.kind != "row"
    yield from (f"{title}: twice in {row}" for (row, title), times in found.items() if times > 1)


def the_datasource_can_be_chosen(board: Mapping[str, Any]) -> Iterator[str]:
    """Panels, queries and variables ask the Prometheus of the variable."""
    for panel in _shown(board):
        asked = [panel.content["datasource"], *(target["datasource"] for target in panel.content["targets"])]
        if any(source != DATASOURCE for source in asked):
            yield f"{panel.title}: asks another source than the variable's"
    for variable in board["templating"]["list"]:
        if variable["type"] == "query" and variable["datasource"] != DATASOURCE:
            yield f"${variable['name']}: asks another source than the variable's"


def panels_ask(board: Mapping[str, Any]) -> Iterator[str]:
    """Every panel has a query, and its queries have different letters."""
    for panel in _shown(board):
        letters = [question.name for question in panel.questions]
        if not letters or len(letters) != len(set(letters)):
            yield f"{panel.title}: queries {letters}"


def metrics_exist(board: Mapping[str, Any]) -> Iterator[str]:
    """Every series is described in telemetry.yaml, recorded by a rule, the collector's, or Prometheus' own."""
    known = known_metrics()
    for panel in _shown(board):
        found = {name for question in panel.questions for name in metrics_of(question.expression)}
        strange = {name for name in found - known if not name.startswith("otelcol_")}
        yield from (f"{panel.title}: nobody makes {name}" for name in sorted(strange))


def windows_follow_the_scrapes(board: Mapping[str, Any]) -> Iterator[str]:
    """Rates look back $__rate_interval; an increase in a table or number may look back over all that is shown."""
    for panel in _shown(board):
        for question in panel.questions:
            allowed = {"$__rate_interval", "$__range"} if question.instant else {"$__rate_interval"}
            windows = _WINDOW.findall(question.expression)
            yield from (f"{panel.title}: {name} over {window}" for name, window in windows if window not in allowed)


def counters_are_not_shown_bare(board: Mapping[str, Any]) -> Iterator[str]:
    """A counter is under rate or increase, unless it only says which series are meant."""
    gauges = {metric.series for metric in (*names.METRICS, *names.API_METRICS) if metric.kind == "gauge"}
    for panel in _shown(board):
        for question in panel.questions:
            rest = re.sub(r"\b(?:rate|increase)\([^()]*\)|\band on \([^)]*\) \w+", " ", question.expression)
            bare = {name for name in metrics_of(rest) - gauges if name.endswith(_OF_COUNTERS)}
            yield from (f"{panel.title}: {name} is not under rate or increase" for name in sorted(bare))


def the_apis_series_are_told_once(board: Mapping[str, Any]) -> Iterator[str]:
    """What the API exports may be in Prometheus twice, and is never added up as it is."""
    for panel in _shown(board):
        for question in panel.questions:
            single = re.sub(r"\bmax(?: by \([^)]*\))? ?\((?:[^()]|\([^()]*\))*\)", " ", question.expression)
            twice = metrics_of(single) & API_SERIES
            yield from (f"{panel.title}: {name} without max" for name in sorted(twice))


def panels_do_not_overlap(board: Mapping[str, Any]) -> Iterator[str]:
    """No two panels have the same place, and none reaches over the right edge."""
    taken: dict[tuple[int, int], str] = {}
    for panel in panels(board):
        x, y, width, height = panel.place
        if x + width > COLUMNS:
            yield f"{panel.title}: reaches over the right edge"
        cells = [(x + right, y + down) for right in range(width) for down in range(height)]
        others = {taken[cell] for cell in cells if cell in taken}
        yield from (f"{panel.title}: overlaps {other}" for other in others)
        taken.update(dict.fromkeys(cells, panel.title))


def rows_are_filled(board: Mapping[str, Any]) -> Iterator[str]:
    """The panels of a line have the same height and fill it."""
    lines: dict[int, list[Shown]] = {}
    for panel in panels(board):
        lines.setdefault(panel.place[1], []).append(panel)
    for line in lines.values():
        if sum(panel.place[2] for panel in line) != COLUMNS or len({panel.place[3] for panel in line}) != 1:
            yield f"the line of {line[0].title} is not filled evenly"


def ids_are_unique(board: Mapping[str, Any]) -> Iterator[str]:
    """No id is there twice."""
    found = Counter(panel.content["id"] for panel in panels(board))
    yield from (f"id {number} is there {times} times" for number, times in found.items() if times > 1)


def variables_are_there_and_used(board: Mapping[str, Any]) -> Iterator[str]:
    """Every variable that is used is defined, and every one that is shown is used."""
    defined = {variable["name"]: variable["type"] for variable in board["templating"]["list"]}
    texts = [question.expression for panel in _shown(board) for question in panel.questions]
    texts += [url for panel in _shown(board) for url in _links(panel)]
    texts += [link.get("url", "") for link in board["links"]]
    texts += [str(variable["query"]) for variable in board["templating"]["list"]]
    used = {name for text in texts for name in _VARIABLE.findall(text)} | {"datasource"}
    yield from (f"${name} is used and not defined" for name in sorted(used - set(defined)))
    yield from (f"${name} is of no use" for name in sorted(set(defined) - used))


def links_have_what_they_need(board: Mapping[str, Any]) -> Iterator[str]:
    """A link at a line names labels that its queries keep, and one in a table names columns that it has."""
    for panel in _shown(board):
        for url in _links(panel):
            kept = [_kept(question.expression) for question in panel.questions]
            missing = {label for label in _FIELD_LABEL.findall(url) for labels in kept if label not in labels}
            missing |= set(_COLUMN.findall(url)) - _heads(panel)
            yield from (f"{panel.title}: a link needs {name}" for name in sorted(missing))


def _kept(expression: str) -> set[str]:
    by = re.match(r"(?:sum|max) by \(([^)]*)\)", expression) or re.search(r"sum by \(le, ([^)]*)\)", expression)
    # Recorded series keep the labels of their rules.
    return set(by[1].split(", ")) if by else {"task_name", "worker_name", "queue_name"}


def _heads(panel: Shown) -> set[str]:
    steps = panel.content.get("transformations", ())
    return {head for step in steps for head in step["options"].get("renameByName", {}).values()}


def rows_of_tables_have_one_set_of_labels(board: Mapping[str, Any]) -> Iterator[str]:
    """The queries of a table keep its rows' labels and no others, else Grafana makes rows of their own of some."""
    for panel in _shown(board):
        if panel.kind != "table":
            continue
        (organized,) = [step["options"] for step in panel.content["transformations"] if step["id"] == "organize"]
        labels = {name for name in organized["renameByName"] if not name.startswith("Value")}
        kept = [re.search(r"\b(?:sum|max) by \(([^)]*)\)", question.expression) for question in panel.questions]
        if any(by is None or set(by[1].split(", ")) != labels for by in kept):
            yield f"{panel.title}: not every query keeps {sorted(labels)}"


def links_between_dashboards_lead_somewhere(board: Mapping[str, Any]) -> Iterator[str]:
    """A link to a dashboard names one that exists."""
    existing = {path.stem for path in (ROOT / "collector" / "grafana" / "json").glob("*.json")}
    for panel in _shown(board):
        wanted = {uid for url in _links(panel) for uid in re.findall(r"^/d/([\w-]+)", url)}
        yield from (f"{panel.title}: no dashboard {uid}" for uid in sorted(wanted - existing))


RULES: tuple[Rule, ...] = (
    panels_say_what_they_show,
    titles_are_unique,
    the_datasource_can_be_chosen,
    panels_ask,
    metrics_exist,
    windows_follow_the_scrapes,
    counters_are_not_shown_bare,
    the_apis_series_are_told_once,
    panels_do_not_overlap,
    rows_are_filled,
    ids_are_unique,
    variables_are_there_and_used,
    links_have_what_they_need,
    rows_of_tables_have_one_set_of_labels,
    links_between_dashboards_lead_somewhere,
)


def complaints(board: Mapping[str, Any]) -> list[str]:
    """Return all that the rules have against a dashboard."""
    return [f"{rule.__name__}: {complaint}" for rule in RULES for complaint in rule(board)]
