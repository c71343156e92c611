"""Turns counted instructions into the table of `docs/performance.md`."""

from collections.abc import Sequence

from tests.benchmarks.instructions.counting import Instructions
from tests.benchmarks.variants import Variant

BEGIN = "<!-- instructions: begin, by make instructions WRITE=1 -->"
END = "<!-- instructions: end -->"


def table(counted: Sequence[tuple[Variant, Instructions]]) -> str:
    """A row per variant.

    Args:
        counted: What was counted; with the first one the others are compared.
    """
    (_, bare), *_ = counted
    head = "| worker | instructions of MAIN | of its children | MAIN, against bare | all, against bare |"
    return "\n".join([head, "| --- | ---: | ---: | ---: | ---: |", *(_row(*one, bare) for one in counted)])


def _row(variant: Variant, count: Instructions, bare: Instructions) -> str:
    ratios = f"{count.main / bare.main:.3f} | {count.total / bare.total:.3f}"
    return f"| {variant.meaning} | {_grouped(count.main)} | {_grouped(count.children)} | {ratios} |"


def _grouped(count: float) -> str:
    """Thousands, with a blank: 3 363 000."""
    return f"{round(count, -3):,.0f}".replace(",", " ")
