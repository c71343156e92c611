"""Drawings of single values: numbers, the dial and the ranking."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Wedge

from grafana.render.answers import Answers
from grafana.render.words import said

INK, PALE, TRACK = "#24292e", "#8b949e", "#eceef0"
NAMED = {
    "green": "#3fa55b",
    "yellow": "#d9a514",
    "red": "#cf4043",
    "blue": "#2f7ed8",
    "purple": "#8f3bb8",
    "orange": "#e0752d",
    "transparent": "#2f7ed8",
}
MOST_BARS = 10


def nothing(axes: Axes) -> None:
    """Say that there is nothing to show."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", va="center", size=14, color=PALE)


def color_of(panel: Mapping[str, Any], value: float) -> str:
    """Return the color that the panel's thresholds give a value."""
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", ())
    reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return NAMED[reached[-1]] if reached else NAMED["blue"]


def mapped(panel: Mapping[str, Any], value: float) -> str | None:
    """Return the word that the panel has for a value, if it has one."""
    for mapping in panel["fieldConfig"]["defaults"].get("mappings", ()):
        if word := mapping["options"].get(f"{value:g}"):
            return str(word["text"])
    return None


def numbers(axes: Axes, answers: Answers) -> None:
    """Write the value of each series, side by side."""
    if not answers.latest:
        nothing(axes)
        return
    axes.set_axis_off()
    content, count = answers.panel.content, len(answers.latest)
    for index, (name, value) in enumerate(answers.latest):
        across = (index + 0.5) / count
        text = mapped(content, value) or said(value, answers.panel.unit)
        # The words for up and down bring their own colors.
        color = NAMED["green" if value else "red"] if content["fieldConfig"]["defaults"].get("mappings") else None
        size = 21 if count > 1 else 26
        axes.text(across, 0.52, text, ha="center", va="center", size=size, color=color or color_of(content, value))
        if count > 1:
            axes.text(across, 0.14, name, ha="center", va="center", size=10, color=PALE)


def dial(axes: Axes, answers: Answers) -> None:
    """Draw a half circle from 0 to 100 %."""
    if not answers.latest:
        nothing(axes)
        return
    ((_, value),) = answers.latest
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set_xlim(-1.5, 1.5)
    axes.set_ylim(-0.12, 1.08)
    axes.add_patch(Wedge((0, 0), 1, 0, 180, width=0.28, facecolor=TRACK))
    color = color_of(answers.panel.content, value)
    axes.add_patch(Wedge((0, 0), 1, 180 - 180 * min(value, 1), 180, width=0.28, facecolor=color))
    axes.text(0, 0.13, said(value, "percentunit"), ha="center", va="center", size=17, color=color)


def ranking(axes: Axes, answers: Answers) -> None:
    """Draw a horizontal bar for each series, the longest first."""
    if not answers.latest:
        nothing(axes)
        return
    axes.set_axis_off()
    shown = sorted(answers.latest, key=lambda entry: -entry[1])[:MOST_BARS]
    _bars(axes, shown, answers.panel.unit)


def _bars(axes: Axes, shown: Sequence[tuple[str, float]], unit: str) -> None:
    most = max(value for _, value in shown) or 1.0
    tall = 1 / max(len(shown), 4)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    for index, (name, value) in enumerate(shown):
        middle = 1 - tall * (index + 0.5)
        axes.barh([middle], [0.92], left=0.04, height=tall * 0.42, color=TRACK)
        axes.barh([middle], [0.92 * value / most], left=0.04, height=tall * 0.42, color=NAMED["blue"])
        axes.text(0.04, middle + tall * 0.36, name, size=9, color=INK, va="center")
        axes.text(0.96, middle + tall * 0.36, said(value, unit), size=9, color=INK, va="center", ha="right")
