"""Draws the comparison: who uses the CPU time of a task, and what is left of the rate."""

from collections.abc import Callable, Sequence
from pathlib import Path

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
SIZE = (11.0, 0.55)


def draw(rounds: Sequence[Round], variants: Sequence[Variant], path: Path) -> None:
    """Write the picture.

    Args:
        rounds: What was measured.
        variants: What is shown, from top to bottom.
        path: A PNG file.
    """
    figure = Figure(figsize=(SIZE[0], 1.6 + SIZE[1] * len(variants)), layout="constrained")
    cpu, speed = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    _draw_cpu(cpu, [Figures(rounds, variant) for variant in variants])
    _draw_rates(speed, rounds, variants)
    figure.savefig(path, dpi=120)


def _draw_cpu(axes: Axes, figures: Sequence[Figures]) -> None:
    names = [figure.variant.meaning.replace("`", "") for figure in figures]
    left = [0.0] * len(figures)
    for label, colour, read in PARTS:
        widths = [figure.middle(read) * MICROSECONDS for figure in figures]
        axes.barh(names, widths, left=left, color=colour, label=label)
        left = [begin + width for begin, width in zip(left, widths, strict=True)]
    axes.set_title("CPU time of a task that does nothing, in µs (median)", fontsize=10)
    axes.legend(fontsize=8, loc="lower right")
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)


def _draw_rates(axes: Axes, rounds: Sequence[Round], variants: Sequence[Variant]) -> None:
    for position, variant in enumerate(variants):
        values = [1.0] if variant is BARE else ratios(rounds, variant.key, rate)
        axes.plot(values, [position] * len(values), "o", color="#3b6ea8", alpha=0.6, markersize=5)
    axes.axvline(1.0, color="#9aa0a6", linewidth=1)
    axes.set_title("tasks per second, against bare Celery (each round)", fontsize=10)
    axes.tick_params(labelsize=8)
