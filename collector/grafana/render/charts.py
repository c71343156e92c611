"""Drawings over time: lines, areas and bars, heatmaps, and states."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.ticker import FuncFormatter, MaxNLocator

from grafana.render.answers import Answers
from grafana.render.figures import nothing
from grafana.render.source import Line
from grafana.render.words import said

COLORS = (
    "#2f7ed8", "#3fa55b", "#e0752d", "#8f3bb8", "#cf4043", "#1f9ea8", "#b8860b", "#ca5a9c", "#5b6b7b", "#7eb26d",
    "#6d1f62", "#0a437c", "#967302", "#584477",
)  # fmt: skip
#: How much of the content's place the axes leave for their numbers and the names of the lines, in inches.
LEFT, RIGHT, TOP, BOTTOM, NAMES = 0.75, 0.15, 0.08, 0.28, 0.22
MOST_NAMES = 12
TICKS = 5
_SMALL = 8


def lines(axes: Axes, answers: Answers) -> None:
    """Draw a line, an area or bars for each series."""
    if not answers.named:
        nothing(axes)
        return
    custom = answers.panel.content["fieldConfig"]["defaults"].get("custom", {})
    _with_names(axes, [name for name, _ in answers.named])
    if custom.get("stacking", {}).get("mode") == "normal":
        _stack(axes, answers.named, bars=custom.get("drawStyle") == "bars")
    else:
        _plot(axes, answers.named)
    _marks(axes, answers)
    low, _ = axes.get_ylim()
    axes.set_ylim(bottom=min(0.0, low) if low < 0 else 0.0)
    _label(axes, answers.panel.unit)


def _plot(axes: Axes, named: Sequence[tuple[str, Line]]) -> None:
    for index, (_, line) in enumerate(named):
        at, values = zip(*line.points, strict=True)
        axes.plot(at, values, color=_color(index), linewidth=1.3)


def _stack(axes: Axes, named: Sequence[tuple[str, Line]], *, bars: bool) -> None:
    moments = sorted({at for _, line in named for at, _ in line.points})
    below = np.zeros(len(moments))
    width = (moments[1] - moments[0]) if len(moments) > 1 else 1.0
    for index, (_, line) in enumerate(named):
        found = dict(line.points)
        values = np.nan_to_num(np.array([found.get(at, 0.0) for at in moments]))
        if bars:
            axes.bar(moments, values, width=width, bottom=below, color=_color(index), linewidth=0)
        else:
            axes.fill_between(moments, below, below + values, color=_color(index), alpha=0.45, linewidth=0)
            axes.plot(moments, below + values, color=_color(index), linewidth=0.9)
        below = below + values


def _marks(axes: Axes, answers: Answers) -> None:
    top = axes.get_ylim()[1]
    marks = [(at, value) for at, value in answers.marks if value <= top]
    axes.scatter([at for at, _ in marks], [value for _, value in marks], marker="D", s=9, color="#1f78c1", zorder=3)


def heat(axes: Axes, answers: Answers) -> None:
    """Draw a histogram over time: the more observations a bucket has, the darker it is."""
    buckets = _buckets(answers)
    if not buckets:
        nothing(axes)
        return
    bounds = [bound for bound, _ in buckets]
    moments = sorted({at for _, line in buckets for at, _ in line.points})
    counts = np.array([[dict(line.points).get(at, 0.0) for at in moments] for _, line in buckets])
    cells = np.diff(np.vstack([np.zeros(len(moments)), counts]), axis=0)
    shown = np.ma.masked_less_equal(np.nan_to_num(cells), 1e-9)
    used = [index for index in range(len(bounds)) if shown[index].count()] or [0]
    first, last = max(used[0] - 1, 0), min(used[-1] + 1, len(bounds) - 1)
    step = (moments[1] - moments[0]) if len(moments) > 1 else 1.0
    edges = [moments[0] - step / 2, *(at + step / 2 for at in moments)]
    axes.pcolormesh(
        edges, np.arange(len(bounds) + 1), shown, cmap="Oranges", norm=PowerNorm(0.5), edgecolors="white", lw=0.2
    )
    axes.scatter(*_among(answers.marks, bounds), marker="D", s=9, color="#1f78c1", zorder=3)
    _with_names(axes, [])
    axes.set_ylim(first, last + 1)
    axes.set_yticks(
        range(first + 1, last + 2), [said(bounds[index], answers.panel.unit) for index in range(first, last + 1)]
    )
    _label(axes, "")


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
        at = np.array([moment for moment, _ in line.points])
        up = np.array([value for _, value in line.points]) > 0
        step = float(np.median(np.diff(at))) if len(at) > 1 else 1.0
        for color, where in (("#3fa55b", up), ("#cf4043", ~up)):
            axes.barh([index] * int(where.sum()), step, left=at[where] - step / 2, height=0.7, color=color, linewidth=0)
    _inset(axes, left=2.3, below=BOTTOM)
    axes.set_yticks(range(len(answers.named)), [name for name, _ in reversed(answers.named)])
    axes.set_ylim(-0.6, len(answers.named) - 0.4)
    _label(axes, "")


def _label(axes: Axes, unit: str) -> None:
    if unit:
        axes.yaxis.set_major_locator(MaxNLocator(TICKS, integer=unit == "short" and axes.get_ylim()[1] > TICKS))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: said(value, unit.partition(":")[0])))
    axes.xaxis.set_major_locator(MaxNLocator(TICKS))
    axes.xaxis.set_major_formatter(FuncFormatter(_clock))
    axes.tick_params(labelsize=_SMALL, length=0, colors="#57606a")
    axes.grid(visible=True, color="#ebedef", linewidth=0.7)
    axes.set_axisbelow(b=True)
    axes.spines[:].set_visible(b=False)
    axes.margins(x=0)


def _clock(moment: float, _: object) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")


def _with_names(axes: Axes, names: Sequence[str]) -> None:
    """Write the names of lines below, and make room for them."""
    shown = [*names[:MOST_NAMES], *([f"and {len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else [])]
    inches = axes.get_window_extent().width / axes.figure.dpi
    rows: list[list[tuple[int, str]]] = [[]]
    used = 0.0
    for index, name in enumerate(shown):
        length = 0.25 + 0.068 * len(name)
        if used + length > inches - 0.3 and rows[-1]:
            rows.append([])
            used = 0.0
        rows[-1].append((index, name))
        used += length
    rows = rows if names else []
    _write(axes, rows, inches)
    _inset(axes, left=LEFT, below=BOTTOM + NAMES * len(rows))


def _write(axes: Axes, rows: Sequence[Sequence[tuple[int, str]]], inches: float) -> None:
    figure, place = axes.figure, axes.get_position()
    _, tall = _inches(axes)
    for number, row in enumerate(rows):
        x = 0.15
        y = place.y0 + (NAMES * (len(rows) - number) - 0.08) / tall
        for index, name in row:
            color = _color(index) if index < MOST_NAMES else "#57606a"
            across = place.x0 + x / inches * place.width
            figure.text(across, y, "━", size=_SMALL, color=color, va="center", weight="bold")
            figure.text(across + 0.17 / inches * place.width, y, name, size=_SMALL, color="#57606a", va="center")
            x += 0.25 + 0.068 * len(name)


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


def _color(index: int) -> str:
    return COLORS[index % len(COLORS)]
