"""Drawings over time: lines, areas and bars, heatmaps, and states."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.ticker import FixedLocator, FuncFormatter, Locator, MaxNLocator, MultipleLocator

from grafana.render.answers import Answers
from grafana.render.figures import NAMED, PALE, nothing
from grafana.render.source import Line
from grafana.render.words import said

COLORS = (
    "#2f7ed8", "#3fa55b", "#e0752d", "#8f3bb8", "#cf4043", "#1f9ea8", "#b8860b", "#ca5a9c", "#5b6b7b", "#7eb26d",
    "#6d1f62", "#0a437c", "#967302", "#584477",
)  # fmt: skip
#: How much of the content's place the axes leave for their numbers and the names of the lines, in inches.
LEFT, RIGHT, TOP, BOTTOM, NAMES = 0.75, 0.15, 0.08, 0.28, 0.22
MOST_ROWS = 2
MARGIN = 0.3
FEW = 6
MOST_MARKS = 40
#: An axis up to more seconds than that says minutes.
SECONDS_SHOWN = 90.0
DISTANCES = (30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 21600.0, 86400.0)
TICKS = 5
_SMALL = 8


def lines(axes: Axes, answers: Answers) -> None:
    """Draw a line, an area or bars for each series."""
    if not answers.named:
        nothing(axes)
        return
    named = _largest_first(answers.named)
    custom = answers.panel.content["fieldConfig"]["defaults"].get("custom", {})
    colors = _colors(answers.panel.content, [name for name, _ in named])
    _with_names(axes, [name for name, _ in named], colors)
    if custom.get("stacking", {}).get("mode") == "normal":
        _stack(axes, named, colors, bars=custom.get("drawStyle") == "bars")
    else:
        _plot(axes, named, colors)
    _marks(axes, answers)
    values = [value for _, line in named for _, value in line.points if math.isfinite(value)]
    axes.set_ylim(bottom=axes.get_ylim()[0] if min(values, default=0.0) < 0 else 0.0)
    if not any(values):
        axes.set_ylim(0, 1)
    _label(axes, answers.panel.unit, answers)


def _largest_first(named: Sequence[tuple[str, Line]]) -> list[tuple[str, Line]]:
    """Return many lines so that those are named that have most to say; few stay as they are."""
    if len(named) <= FEW:
        return list(named)
    return sorted(
        named, key=lambda line: -max((value for _, value in line[1].points if math.isfinite(value)), default=0)
    )


def _plot(axes: Axes, named: Sequence[tuple[str, Line]], colors: Sequence[str]) -> None:
    for color, (_, line) in zip(colors, named, strict=True):
        at, values = zip(*line.points, strict=True)
        axes.plot(at, values, color=color, linewidth=1.3)


def _stack(axes: Axes, named: Sequence[tuple[str, Line]], colors: Sequence[str], *, bars: bool) -> None:
    moments = _moments(named)
    below = np.zeros(len(moments))
    for color, (_, line) in zip(colors, named, strict=True):
        found = dict(line.points)
        values = np.nan_to_num(np.array([found.get(at, 0.0) for at in moments]))
        style = {"step": "mid", "alpha": 0.85} if bars else {"alpha": 0.45}
        axes.fill_between(moments, below, below + values, color=color, linewidth=0, **style)
        if not bars:
            axes.plot(moments, below + values, color=color, linewidth=0.9)
        below = below + values


def _moments(named: Sequence[tuple[str, Line]]) -> list[float]:
    """Return all moments from the first to the last one of any series, those included at which none has a value."""
    found = sorted({at for _, line in named for at, _ in line.points})
    step = min((after - before for before, after in pairwise(found)), default=1.0)
    return [found[0] + index * step for index in range(round((found[-1] - found[0]) / step) + 1)]


def _marks(axes: Axes, answers: Answers) -> None:
    top = axes.get_ylim()[1]
    marks = _thinned([(at, value) for at, value in answers.marks if value <= top])
    axes.scatter([at for at, _ in marks], [value for _, value in marks], marker="D", s=9, color="#1f78c1", zorder=3)


def _thinned(marks: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return few of many marks, as Grafana does: the largest of each stretch of time."""
    if not marks:
        return []
    begin, end = min(at for at, _ in marks), max(at for at, _ in marks)
    largest: dict[int, tuple[float, float]] = {}
    for at, value in marks:
        stretch = int((at - begin) / ((end - begin) or 1.0) * MOST_MARKS)
        largest[stretch] = max(largest.get(stretch, (0.0, 0.0)), (at, value), key=lambda mark: mark[1])
    return list(largest.values())


def heat(axes: Axes, answers: Answers) -> None:
    """Draw a histogram over time: the more observations a bucket has, the darker it is."""
    buckets = _buckets(answers)
    if not buckets:
        nothing(axes)
        return
    bounds = [bound for bound, _ in buckets]
    moments = sorted({at for _, line in buckets for at, _ in line.points})
    found = [dict(line.points) for _, line in buckets]
    counts = np.array([[bucket.get(at, 0.0) for at in moments] for bucket in found])
    cells = np.diff(np.vstack([np.zeros(len(moments)), counts]), axis=0)
    shown = np.ma.masked_less_equal(np.nan_to_num(cells), 1e-9)
    used = [index for index in range(len(bounds)) if shown[index].count()] or [0]
    first, last = max(used[0] - 1, 0), min(used[-1] + 1, len(bounds) - 1)
    step = (moments[1] - moments[0]) if len(moments) > 1 else 1.0
    edges = [moments[0] - step / 2, *(at + step / 2 for at in moments)]
    axes.pcolormesh(
        edges, np.arange(len(bounds) + 1), shown, cmap="Oranges", norm=PowerNorm(0.5), edgecolors="white", lw=0.2
    )
    axes.scatter(*_among(_thinned(answers.marks), bounds), marker="D", s=9, color="#1f78c1", zorder=3)
    _with_names(axes, [])
    axes.set_ylim(first, last + 1)
    axes.set_yticks(
        range(first + 1, last + 2), [said(bounds[index], answers.panel.unit) for index in range(first, last + 1)]
    )
    _label(axes, "", answers)


def _buckets(answers: Answers) -> list[tuple[float, Line]]:
    found = [(float(line.labels["le"]), line) for _, line in answers.named]
    return sorted(found, key=lambda bucket: bucket[0])


def _among(marks: Sequence[tuple[float, float]], bounds: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return where observations are on an axis on which every bucket has the same height."""
    places = []
    for _, value in marks:
        index = int(np.searchsorted(bounds, value))
        low, high = bounds[index - 1] if index else 0.0, bounds[index]
        share = (value - low) / (high - low) if np.isfinite(high) else 0.5
        places.append(index + share)
    return [at for at, _ in marks], places


def states(axes: Axes, answers: Answers) -> None:
    """Draw a bar for each series, green while it is 1 and red while it is 0."""
    if not answers.named:
        nothing(axes)
        return
    for index, (_, line) in enumerate(reversed(answers.named)):
        for up, begin, end in _stretches(line):
            axes.broken_barh([(begin, end - begin)], (index - 0.35, 0.7), color="#3fa55b" if up else "#cf4043")
    _inset(axes, left=2.3, below=BOTTOM)
    axes.set_yticks(range(len(answers.named)), [name for name, _ in reversed(answers.named)])
    axes.set_ylim(-0.6, len(answers.named) - 0.4)
    _label(axes, "", answers)


def _stretches(line: Line) -> list[tuple[bool, float, float]]:
    """Return when a series was above 0 or not: whether, from when, until when."""
    moments = [at for at, _ in line.points]
    step = min((after - before for before, after in pairwise(moments)), default=1.0)
    found: list[tuple[bool, float, float]] = []
    for at, value in line.points:
        up = value > 0
        if found and found[-1][0] == up and at - found[-1][2] <= step / 2:
            found[-1] = (up, found[-1][1], at + step / 2)
        else:
            found.append((up, at - step / 2, at + step / 2))
    return found


def _label(axes: Axes, unit: str, answers: Answers) -> None:
    if unit:
        axes.yaxis.set_major_locator(_steps(axes, unit))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: said(value, unit.partition(":")[0])))
    # Else a single point has an axis of years around it.
    axes.set_xlim(answers.begin, answers.end)
    axes.xaxis.set_major_locator(MultipleLocator(_distance(answers.end - answers.begin)))
    axes.xaxis.set_major_formatter(FuncFormatter(_clock))
    axes.tick_params(labelsize=_SMALL, length=0, colors="#57606a")
    axes.grid(visible=True, color="#ebedef", linewidth=0.7)
    axes.set_axisbelow(b=True)
    axes.spines[:].set_visible(b=False)


def _steps(axes: Axes, unit: str) -> Locator:
    """Return where the numbers of the vertical axis are."""
    low, high = axes.get_ylim()
    # Round numbers of bytes, minutes and hours are not round in decimals.
    if unit in {"bytes", "Bps"}:
        size = 1024.0 ** max(0, int(math.log(max(high, 1.0), 1024)))
    elif unit == "s" and high > SECONDS_SHOWN:
        size = 60.0 if high < 60 * SECONDS_SHOWN else 3600.0
    else:
        return MaxNLocator(TICKS, integer=unit == "short" and high > TICKS)
    places = MaxNLocator(TICKS).tick_values(low / size, high / size)
    return FixedLocator([place * size for place in places if low <= place * size <= high])


def _distance(seconds: float) -> float:
    """Return how many seconds lie between two numbers of the horizontal axis."""
    return next((distance for distance in DISTANCES if seconds / distance <= TICKS + 1), DISTANCES[-1])


def _clock(moment: float, _: object) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M")


def _with_names(axes: Axes, names: Sequence[str], colors: Sequence[str] = ()) -> None:
    """Write the names of lines below, as many as two lines of text hold, and make room for them."""
    inches = axes.get_window_extent().width / axes.figure.dpi
    rows = _rows_of(names, inches - MARGIN)
    _write(axes, rows, inches, colors)
    _inset(axes, left=LEFT, below=BOTTOM + NAMES * len(rows))


def _rows_of(names: Sequence[str], inches: float) -> list[list[str]]:
    rows: list[list[str]] = []
    room = 0.0
    for index, name in enumerate(names):
        more = f"and {len(names) - index} more"
        full = len(rows) == MOST_ROWS
        if full and room < _width(name) + (_width(more) if index + 1 < len(names) else 0):
            return [*rows[:-1], [*rows[-1], more]]
        if not rows or room < _width(name):
            rows.append([])
            room = inches
        rows[-1].append(name)
        room -= _width(name)
    return rows


def _width(name: str) -> float:
    return 0.3 + 0.066 * len(name)


def _write(axes: Axes, rows: Sequence[Sequence[str]], inches: float, colors: Sequence[str]) -> None:
    figure, place = axes.figure, axes.get_position()
    _, tall = _inches(axes)
    left = iter(colors)
    for number, row in enumerate(rows):
        x = MARGIN / 2
        y = place.y0 + (NAMES * (len(rows) - number) - 0.08) / tall
        for name in row:
            rest = name.startswith("and ")
            mark, color = ("", PALE) if rest else ("━", next(left))
            across = place.x0 + x / inches * place.width
            figure.text(across, y, mark, size=_SMALL, color=color, va="center", weight="bold")
            figure.text(across + 0.17 / inches * place.width, y, name, size=_SMALL, color="#57606a", va="center")
            x += _width(name)


def _inset(axes: Axes, *, left: float, below: float) -> None:
    wide, tall = _inches(axes)
    place = axes.get_position()
    axes.set_position(
        (
            place.x0 + left / wide,
            place.y0 + below / tall,
            place.width - (left + RIGHT) / wide,
            place.height - (below + TOP) / tall,
        )
    )


def _inches(axes: Axes) -> tuple[float, float]:
    """Return how wide and how tall the picture is."""
    return axes.figure.bbox.width / axes.figure.dpi, axes.figure.bbox.height / axes.figure.dpi


def _colors(panel: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Return the colors of lines: those that the panel gives by name, else one after the other."""
    fixed = {
        override["matcher"]["options"]: NAMED[entry["value"]["fixedColor"]]
        for override in panel["fieldConfig"]["overrides"]
        for entry in override["properties"]
        if entry["id"] == "color"
    }
    return [fixed.get(name, COLORS[index % len(COLORS)]) for index, name in enumerate(names)]
