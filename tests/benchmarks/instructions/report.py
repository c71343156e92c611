"""Turns counted instructions into the table of `docs/performance.md`."""

from collections.abc import Callable, Sequence
from statistics import median

from tests.benchmarks.instructions.counting import Instructions
from tests.benchmarks.variants import Variant

BEGIN = "<!-- instructions: begin, by make instructions WRITE=1 -->"
END = "<!-- instructions: end -->"
Counted = tuple[Variant, Sequence[Instructions]]


def table(counted: Sequence[Counted]) -> str:
    """A row per variant: the median of its rounds, and the ratios of each round's least and most.

    Args:
        counted: What was counted in each round; with the first variant the others are compared, round by round.
    """
    (_, bare), *_ = counted
    head = "| worker | instructions of MAIN | of its children | MAIN, against bare | all, against bare |"
    return "\n".join([head, "| --- | ---: | ---: | ---: | ---: |", *(_row(*one, bare) for one in counted)])


def _row(variant: Variant, counts: Sequence[Instructions], bare: Sequence[Instructions]) -> str:
    main, children = (median(map(read, counts)) for read in (_main, _children))
    ratios = " | ".join(_ratios(counts, bare, read) for read in (_main, _total))
    return f"| {variant.meaning} | {_grouped(main)} | {_grouped(children)} | {ratios} |"


def _ratios(counts: Sequence[Instructions], bare: Sequence[Instructions], read: Callable[[Instructions], float]) -> str:
    if counts is bare:
        return "1"
    found = [read(one) / read(other) for one, other in zip(counts, bare, strict=True)]
    spread = f" ({min(found):.3f} to {max(found):.3f})" if len(found) > 1 else ""
    return f"{median(found):.3f}{spread}"


def _main(count: Instructions) -> float:
    return count.main


def _children(count: Instructions) -> float:
    return count.children


def _total(count: Instructions) -> float:
    return count.total


def _grouped(count: float) -> str:
    """Thousands, with a blank: 3 363 000."""
    return f"{round(count, -3):,.0f}".replace(",", " ")
