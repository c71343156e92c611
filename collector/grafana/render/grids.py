"""Drawings of tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from grafana.render.answers import Answers
from grafana.render.figures import INK, PALE, nothing
from grafana.render.words import NOTHING, said

MOST_ROWS = 8


def table(axes: Axes, answers: Answers) -> None:
    """Write a row for each set of labels, sorted by the first value."""
    heads = _heads(answers.panel.content)
    rows = _rows(answers, heads)
    if not rows:
        nothing(axes)
        return
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    cells = [list(heads.values()), *(_texts(row, heads, answers.panel.content) for row in rows[:MOST_ROWS])]
    if len(rows) > MOST_ROWS:
        cells.append([f"and {len(rows) - MOST_ROWS} more"])
    _write(axes, cells, labels=sum(not head.startswith("Value") for head in heads))


def _heads(panel: Mapping[str, Any]) -> dict[str, str]:
    (organized,) = [step for step in panel["transformations"] if step["id"] == "organize"]
    heads: dict[str, str] = organized["options"]["renameByName"]
    order: dict[str, int] = organized["options"]["indexByName"]
    return dict(sorted(heads.items(), key=lambda head: order[head[0]]))


def _rows(answers: Answers, heads: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what Grafana makes of the answers: one row for each set of labels, with the values of all questions."""
    labels = [head for head in heads if not head.startswith("Value")]
    values = [head for head in heads if head.startswith("Value")]
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for letter, (_, line) in zip(answers.asked, answers.named, strict=True):
        key = tuple(line.labels.get(label, "") for label in labels)
        row = found.setdefault(key, dict(zip(labels, key, strict=True)))
        row["Value" if len(values) == 1 else f"Value #{letter}"] = line.points[-1][1]
    return sorted(found.values(), key=lambda row: -row.get(values[0], -1.0))


def _texts(row: Mapping[str, Any], heads: Mapping[str, str], panel: Mapping[str, Any]) -> list[str]:
    units = {
        override["matcher"]["options"]: entry["value"]
        for override in panel["fieldConfig"]["overrides"]
        for entry in override["properties"]
        if entry["id"] == "unit"
    }
    texts = []
    for head, name in heads.items():
        value = row.get(head)
        texts.append(said(value, units[name]) if isinstance(value, float) else value or NOTHING)
    return texts


def _write(axes: Axes, cells: Sequence[Sequence[str]], *, labels: int) -> None:
    lengths = [max(len(row[index]) for row in cells if index < len(row)) + 2 for index in range(len(cells[0]))]
    starts = [sum(lengths[:index]) / sum(lengths) for index in range(len(lengths))]
    ends = [*starts[1:], 1.0]
    for number, row in enumerate(cells):
        y = 0.95 - number * 0.094
        for index, text in enumerate(row):
            left = index < labels
            x = 0.012 + starts[index] * 0.976 if left else ends[index] * 0.976
            weight = "bold" if number == 0 else "normal"
            color = INK if number else PALE
            axes.text(x, y, text, size=9, weight=weight, color=color, va="center", ha="left" if left else "right")
        axes.plot([0.012, 0.988], [y - 0.047] * 2, color="#ebedef", linewidth=0.7)
