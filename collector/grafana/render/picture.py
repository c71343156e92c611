"""A dashboard as one picture: its panels at their places, each drawn by what draws its kind."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from grafana.reading import Shown, Times, chosen, panels
from grafana.render import charts, figures, grids
from grafana.render.answers import Answers, answered
from grafana.render.source import Source

COLUMNS = 24
WIDTH = 17.0
#: Inches that one unit of a panel's height takes, and the title of the dashboard.
UNIT, HEAD = 0.36, 0.6
GAP = 0.05
TITLE = 0.3
INK, PALE, PAPER = "#24292e", "#6e7781", "#f4f5f5"
DPI = 75

Draw = Callable[[Axes, Answers], None]
KINDS: Mapping[str, Draw] = {
    "timeseries": charts.lines,
    "heatmap": charts.heat,
    "state-timeline": charts.states,
    "stat": figures.numbers,
    "gauge": figures.dial,
    "bargauge": figures.ranking,
    "table": grids.table,
}


def draw(board: Mapping[str, Any], source: Source, times: Times, target: Path) -> None:
    """Draw a dashboard on which everything is chosen; raises as `Source` does.

    Args:
        board: What its JSON says.
        source: Whom to ask.
        times: What it shows.
        target: The file, a PNG.
    """
    values = chosen(board, times, source.label_values)
    shown = list(panels(board))
    height = max(panel.place[1] + panel.place[3] for panel in shown) * UNIT + HEAD
    figure = Figure(figsize=(WIDTH, height), facecolor=PAPER)
    _head(figure, board, source, height)
    for panel in shown:
        box = _Box(figure, panel, height)
        if panel.kind == "row":
            box.write_row()
        else:
            KINDS[panel.kind](box.frame(), answered(panel, values, source))
    figure.savefig(target, dpi=DPI)
    _shrink(target)


def _head(figure: Figure, board: Mapping[str, Any], source: Source, height: float) -> None:
    begin, end = (datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S") for moment in (source.start, source.end))
    top = 1 - 0.3 / height
    figure.text(0.008, top, board["title"], size=16, weight="bold", color=INK, va="center")
    figure.text(0.992, top, f"{begin} to {end} UTC", size=11, color=PALE, va="center", ha="right")


def _shrink(target: Path) -> None:
    """Write the picture anew without the transparency that it has no use for."""
    with Image.open(target) as opened:
        opened.convert("RGB").save(target, optimize=True)


class _Box:
    """The place of a panel in a figure.

    Args:
        figure: The figure.
        panel: The panel.
        height: Of the figure, in inches.
    """

    def __init__(self, figure: Figure, panel: Shown, height: float) -> None:
        x, y, width, rows = panel.place
        self._figure = figure
        self._panel = panel
        self._height = height
        self._left = x / COLUMNS * WIDTH + GAP
        self._width = width / COLUMNS * WIDTH - 2 * GAP
        self._tall = rows * UNIT - 2 * GAP
        self._bottom = height - HEAD - y * UNIT - rows * UNIT + GAP

    def write_row(self) -> None:
        """Write the title of a row of panels."""
        middle = (self._bottom + self._tall / 2) / self._height
        text = f"▾ {self._panel.title}"
        self._figure.text((self._left + 0.05) / WIDTH, middle, text, size=13, weight="bold", color=INK, va="center")

    def frame(self) -> Axes:
        """Draw the panel's frame and title, and return where its content goes."""
        corner, size = (
            (self._left / WIDTH, self._bottom / self._height),
            (self._width / WIDTH, self._tall / self._height),
        )
        paper = Rectangle(
            corner, *size, facecolor="white", edgecolor="#d8dadd", transform=self._figure.transFigure, zorder=-1
        )
        self._figure.add_artist(paper)
        top = (self._bottom + self._tall - TITLE / 2 - 0.02) / self._height
        self._figure.text((self._left + 0.1) / WIDTH, top, self._panel.title, size=11, color=INK, va="center")
        inner = (*corner, size[0], (self._tall - TITLE) / self._height)
        return self._figure.add_axes(inner, facecolor="white")
