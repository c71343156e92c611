"""Draws the comparison: who uses the CPU time of a task, and what is left of the rate."""

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.benchmarks.comparison import Result, Round
from tests.benchmarks.report import MICROSECONDS, Figures, rate, ratios
from tests.benchmarks.variants import BARE, Variant

#: Who uses it, and with what colour it is drawn.
PARTS: tuple[tuple[str, str, Callable[[Result], float]], ...] = (
    ("MAIN", "#3b6ea8", lambda result: result.spent.cpu.main),
    ("children", "#7fb2e5", lambda result: result.spent.cpu.children),
    ("broker", "#9aa0a6", lambda result: result.traffic.cpu),
    ("monitor beside it", "#d9822b", lambda result: result.spent.monitor),
)
#: Inches: the width, the height of a worker, and that of what is above and below.
WIDTH, ROW, AROUND = 11.0, 0.55, 1.6
#: Characters of a line that tells what a worker is.
LINE = 42


def draw(rounds: Sequence[Round], variants: Sequence[Variant], path: Path) -> None:
    """Write the picture.

    Args:
        rounds: What was measured.
        variants: What is shown, from top to bottom.
        path: A PNG file.
    """
    figures = [Figures(rounds, variant) for variant in variants]
    bars = [[figure.middle(read) * MICROSECONDS for figure in figures] for _, _, read in PARTS]
    dots = [[1.0] if variant is BARE else ratios(rounds, variant.key, rate) for variant in variants]
    picture([variant.meaning for variant in variants], bars, dots).savefig(path, dpi=120)


def picture(names: Sequence[str], bars: Sequence[Sequence[float]], dots: Sequence[Sequence[float]]) -> Figure:
    """The picture of some workers.

    Args:
        names: What they are, from top to bottom.
        bars: For each of `PARTS` the microseconds of each worker.
        dots: For each worker its rates against bare Celery, one of each round.
    """
    figure = Figure(figsize=(WIDTH, AROUND + ROW * len(names)), layout="constrained")
    cpu, speed = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    _draw_cpu(cpu, [fill(name.replace("`", ""), LINE) for name in names], bars)
    _draw_rates(speed, dots)
    figure.legend(fontsize=8, loc="outside lower center", ncols=len(PARTS))
    return figure


def _draw_cpu(axes: Axes, names: Sequence[str], bars: Sequence[Sequence[float]]) -> None:
    left = [0.0] * len(names)
    for (label, colour, _), widths in zip(PARTS, bars, strict=True):
        axes.barh(names, widths, left=left, color=colour, label=label)
        left = [begin + width for begin, width in zip(left, widths, strict=True)]
    axes.set_title("CPU time of a task that does nothing,\nin µs (median)", fontsize=10)
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)


def _draw_rates(axes: Axes, dots: Sequence[Sequence[float]]) -> None:
    for position, values in enumerate(dots):
        axes.plot(values, [position] * len(values), "o", color="#3b6ea8", alpha=0.6, markersize=5)
    axes.axvline(1.0, color="#9aa0a6", linewidth=1)
    axes.set_title("tasks per second, against bare Celery\n(each round)", fontsize=10)
    axes.tick_params(labelsize=8)
