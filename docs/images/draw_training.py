#!/usr/bin/env python
"""Draws docs/images/training.png from a demo that is running: what its Prometheus and its Jaeger have, nothing else.

`make demo`, then `.venv/bin/python docs/images/draw_training.py --prometheus URL --jaeger URL`, with the addresses that
it prints. Debian's Chromium takes the picture.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

TARGET = Path(__file__).parent / "training.png"
CHROMIUM = "/usr/bin/chromium"
COLORS = ("#2563eb", "#059669", "#d97706", "#7c3aed", "#dc2626", "#0891b2", "#be185d", "#4b5563")
WIDTH, HEIGHT = 560, 230
LEFT, TOP, RIGHT, BOTTOM = 48, 12, 168, 26
MARGIN = 3
STEPS = 4
SHOWN = ("celery.tuning", "celery.keep")
SEARCHES = ("process playground.training.search", "process playground.training.tune")
STYLE = """
body { font: 14px system-ui, sans-serif; color: #111827; background: #fff; margin: 0; padding: 16px; width: 1152px; }
main { display: grid; grid-template-columns: 1fr 1fr; gap: 16px; }
section { border: 1px solid #d1d5db; border-radius: 8px; padding: 10px 14px; min-width: 0; }
section.wide { grid-column: span 2; display: grid; grid-template-columns: 1fr 1fr; gap: 0 24px; }
section.wide header { grid-column: span 2; }
h2 { font-size: 15px; margin: 0; }
code { font: 11px ui-monospace, monospace; color: #4b5563; }
text { font: 11px system-ui, sans-serif; fill: #374151; }
table { border-collapse: collapse; font-size: 12px; align-self: start; }
td { padding: 2px 10px 2px 0; border-bottom: 1px solid #e5e7eb; }
"""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """One line, or group of dots, of a chart.

    Attributes:
        name: What it is called.
        points: Pairs of x and y.
    """

    name: str
    points: Points


def asked(address: str, path: str, **query: str) -> Any:
    """Return what a server on loopback answers."""
    with urlopen(f"{address}{path}?{urlencode(query)}", timeout=30) as answer:  # noqa: S310 - the caller's own server
        return json.loads(answer.read())


def over_time(prometheus: str, expression: str) -> list[Line]:
    """Return a line for each series of an expression, from the first second in which anything was there."""
    end = time.time()
    query = {"query": expression, "start": str(end - 600), "end": str(end), "step": "1"}
    series = asked(prometheus, "/api/v1/query_range", **query)["data"]["result"]
    begin = min(float(one["values"][0][0]) for one in series)
    return [
        Line(" ".join(one["metric"].values()), [(float(at) - begin, float(value)) for at, value in one["values"]])
        for one in sorted(series, key=lambda one: sorted(one["metric"].values()))
    ]


def shortened(lines: Sequence[Line]) -> list[Line]:
    """Return the lines without those that stay 0, from a little before the first change until after the last one."""
    steps = [step for line in lines for step in zip(line.points, line.points[1:], strict=False)]
    changes = [at for (_, old), (at, new) in steps if old != new]
    begin, end = min(changes) - MARGIN, max(changes) + MARGIN
    rising = [line for line in lines if line.points[-1][1]]
    return [Line(line.name, [(x - begin, y) for x, y in line.points if begin <= x <= end]) for line in rising]


def now(prometheus: str, expression: str) -> dict[str, float]:
    """Return the values of an expression by their only label."""
    found = asked(prometheus, "/api/v1/query", query=expression)["data"]["result"]
    return {next(iter(one["metric"].values())): float(one["value"][1]) for one in found}


def search_span(jaeger: str) -> dict[str, Any]:
    """Return the span with most iterations of all searches that succeeded."""
    return max((span for name in SEARCHES for span in spans_called(jaeger, name)), key=lambda span: len(span["events"]))


def spans_called(jaeger: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield the spans of this name whose search has succeeded."""
    today = datetime.now(UTC)
    times = {"start_time_min": today - timedelta(hours=1), "start_time_max": today + timedelta(hours=1)}
    query = {"service_name": "playground", "operation_name": name, "num_traces": "100"}
    query |= {name: moment.isoformat() for name, moment in times.items()}
    answer = asked(jaeger, "/api/v3/traces", **{f"query.{name}": value for name, value in query.items()})
    for resource in answer["result"]["resourceSpans"]:
        spans = (span for scope in resource["scopeSpans"] for span in scope["spans"] if span["name"] == name)
        yield from (span for span in spans if tags_of(span).get("celery.tuning.result") == "success")


def tags_of(owner: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as Jaeger has them."""
    return {tag["key"]: next(iter(tag["value"].values())) for tag in owner.get("attributes", ())}


def chart(lines: Sequence[Line], unit: str, *, dots: bool = False) -> str:
    """Return a drawing of lines over seconds, or of dots."""
    points = [point for line in lines for point in line.points]
    top = max(y for _, y in points)
    # So that the numbers of the axis are whole where the values are.
    top = top if dots else STEPS * math.ceil(top / STEPS)
    bottom = min(y for _, y in points) if dots else 0.0
    scale = Scale(max(x for x, _ in points) or 1.0, bottom, top)
    shapes = [shape for index, line in enumerate(lines) for shape in drawn(line, COLORS[index], scale, dots=dots)]
    names = (legend(index, line, dots=dots) for index, line in enumerate(lines))
    return f'<svg width="{WIDTH}" height="{HEIGHT}">{"".join([*scale.axes(unit), *shapes, *names])}</svg>'


@dataclass(frozen=True)
class Scale:
    """Where values are on a drawing.

    Attributes:
        right: The largest x; the smallest is 0.
        bottom: The smallest y.
        top: The largest y.
    """

    right: float
    bottom: float
    top: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point."""
        across = x / self.right * (WIDTH - LEFT - RIGHT)
        up = (y - self.bottom) / ((self.top - self.bottom) or 1.0) * (HEIGHT - TOP - BOTTOM)
        return round(LEFT + across, 1), round(HEIGHT - BOTTOM - up, 1)

    def axes(self, unit: str) -> Iterator[str]:
        """Yield lines and numbers of both axes."""
        for step in range(STEPS + 1):
            value = self.bottom + (self.top - self.bottom) * step / STEPS
            x, y = self.at(0, value)
            yield f'<line x1="{x}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#e5e7eb"/>'
            yield f'<text x="{x - 6}" y="{y + 4}" text-anchor="end">{value:.3g}</text>'
            across = self.right * step / STEPS
            x, y = self.at(across, self.bottom)
            yield f'<text x="{x}" y="{y + 17}" text-anchor="middle">{across:.3g} {escape(unit)}</text>'


def drawn(line: Line, color: str, scale: Scale, *, dots: bool) -> Iterator[str]:
    """Yield the shapes of a line."""
    places = [scale.at(x, y) for x, y in line.points]
    if dots:
        yield from (f'<circle cx="{x}" cy="{y}" r="2.5" fill="{color}" fill-opacity=".7"/>' for x, y in places)
        return
    steps = [f"H {x} V {y}" for x, y in places[1:]]
    yield f'<path d="M {places[0][0]} {places[0][1]} {" ".join(steps)}" fill="none" stroke="{color}" stroke-width="2"/>'


def legend(index: int, line: Line, *, dots: bool) -> str:
    """Return the name of a line with its last value, or of dots."""
    y = TOP + 12 + 18 * index
    x = WIDTH - RIGHT + 14
    mark = f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{COLORS[index]}"/>'
    text = line.name if dots else f"{line.name}: {line.points[-1][1]:.3g}"
    return f'{mark}<text x="{x + 16}" y="{y}">{escape(text)}</text>'


def bars(values: Mapping[str, float], unit: str) -> str:
    """Return a drawing of one bar for each value."""
    most = max(values.values())
    shapes = []
    for index, (name, value) in enumerate(sorted(values.items())):
        y, length = TOP + 4 + 40 * index, value / most * (WIDTH - 230)
        shapes.append(f'<text x="90" y="{y + 17}" text-anchor="end">{escape(name)}</text>')
        shapes.append(f'<rect x="100" y="{y}" width="{length:.1f}" height="26" fill="{COLORS[index]}"/>')
        shapes.append(f'<text x="{108 + length:.1f}" y="{y + 17}">{value:.3g} {escape(unit)}</text>')
    return f'<svg width="{WIDTH}" height="{TOP + 40 * len(values) + 4}">{"".join(shapes)}</svg>'


def panel(title: str, source: str, *content: str, kind: str = "") -> str:
    """Return a box with a drawing, and what it was drawn from."""
    head = f"<header><h2>{escape(title)}</h2><code>{escape(source)}</code></header>"
    return f'<section class="{kind}">{head}{"".join(content)}</section>'


def from_prometheus(prometheus: str) -> Iterator[str]:
    """Yield the panels of series."""
    for title, expression in (
        ("Trainings, by model type and result", "sum by (model_type, result) (celery_training_runs_total)"),
        ("Searches, by method and result", "sum by (method, result) (celery_tuning_runs_total)"),
    ):
        yield panel(title, expression, chart(shortened(over_time(prometheus, expression)), "s"))
    for title, metric, factor, unit in (
        ("How long a training takes, on average", "celery_training_duration_seconds", 1000, "ms"),
        ("On how many samples, on average", "celery_training_samples", 1, ""),
    ):
        expression = f"sum by (model_type) ({metric}_sum) / sum by (model_type) ({metric}_count)"
        values = {name: value * factor for name, value in now(prometheus, expression).items()}
        yield panel(title, expression, bars(values, unit))


def from_jaeger(jaeger: str) -> str:
    """Return the panel of a search's span: the score of each iteration that is an event, and its attributes."""
    span = search_span(jaeger)
    events = [tags_of(event) for event in span["events"] if event["name"] == "celery.tuning.iteration"]
    scores = [(float(event["celery.tuning.iteration"]), float(event["celery.tuning.score"])) for event in events]
    tags = [(key, str(value)) for key, value in sorted(tags_of(span).items()) if key.startswith(SHOWN)]
    rows = "".join(f"<tr><td>{escape(key)}</td><td>{escape(value)}</td></tr>" for key, value in tags)
    title = f"The span of a search, in Jaeger: the scores of {len(scores)} iterations, and its attributes"
    drawing = chart([Line("an iteration", scores)], "", dots=True)
    return panel(title, span["name"], drawing, f"<table>{rows}</table>", kind="wide")


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prometheus", required=True, metavar="URL")
    parser.add_argument("--jaeger", required=True, metavar="URL")
    options = parser.parse_args()
    panels = "".join([*from_prometheus(options.prometheus), from_jaeger(options.jaeger)])
    page = f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><main>{panels}</main>"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1184, "height": 900})
        view.set_content(page)
        view.screenshot(path=TARGET, full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
