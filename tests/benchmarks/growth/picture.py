"""Draws how everything grows: a panel for each part, both axes logarithmic, each figure against its first value."""

from math import inf
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.benchmarks.growth.growth import Growth
from tests.benchmarks.growth.parts import Grown, Part

COLUMNS = 3
SIZE = (4.4, 3.4)


def draw(grown: Grown, path: Path) -> None:
    """Write the picture.

    Args:
        grown: What was measured.
        path: A PNG file.
    """
    rows = -(-len(grown) // COLUMNS)
    figure = Figure(figsize=(SIZE[0] * COLUMNS, SIZE[1] * rows), layout="constrained")
    panels = iter(figure.subplots(rows, COLUMNS, squeeze=False).flatten().tolist())
    for part, axes in zip(grown, panels, strict=False):
        _draw(axes, part, grown[part])
    for axes in panels:
        axes.axis("off")
    figure.savefig(path, dpi=110)


def _draw(axes: Axes, part: Part, growths: list[Growth]) -> None:
    for growth in growths:
        sizes = [size for size in sorted(growth.points) if size > 0 and growth.points[size] > 0]
        if growth.bound == inf or not sizes:
            continue
        values = [growth.points[size] / growth.points[sizes[0]] for size in sizes]
        axes.plot(sizes, values, "o-", markersize=4, linewidth=1.2, label=f"{growth.figure} ({growth.exponent:.2f})")
    first, last = (edge(size for size in growths[0].points if size > 0) for edge in (min, max))
    axes.plot([first, last], [1, last / first], ":", color="#9aa0a6", linewidth=1, label="as the size (1.00)")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(f"{part.size} (in multiples of the first value; exponent)", fontsize=9)
    axes.legend(fontsize=6.5, loc="upper left")
    axes.tick_params(labelsize=8)
