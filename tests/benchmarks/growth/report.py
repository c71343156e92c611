"""Turns what was measured into the tables of `docs/performance.md`."""

from math import inf

from tests.benchmarks.growth.growth import Growth
from tests.benchmarks.growth.parts import Grown, Part

BEGIN = "<!-- growth: begin, by python -m tests.benchmarks.growth --write -->"
END = "<!-- growth: end -->"
_FEW = 10


def tables(grown: Grown) -> str:
    """A table for each part."""
    return "\n\n".join(f"{part.where[0].upper()}{part.where[1:]}:\n\n{table(part, grown[part])}" for part in grown)


def table(part: Part, growths: list[Growth]) -> str:
    """A row for each figure: its value at each size, and the exponent."""
    sizes = sorted(growths[0].points)
    head = [part.size, *(f"{size:,}" for size in sizes), "exponent", "at most"]
    rows = [[_named(one), *(value(one.points[size]) for size in sizes), *_judged(one)] for one in growths]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---", *["---:"] * (len(head) - 1)], *rows))


def failures(grown: Grown) -> list[str]:
    """A line for each figure that grows faster than it may."""
    return [
        f"{one.figure} grows with {part.size} by the exponent {one.exponent:.2f}, and {one.last:.2f} in the last step: "
        f"at most {one.bound:g} is right"
        for part, growths in grown.items()
        for one in growths
        if not one.holds
    ]


def value(number: float) -> str:
    """A figure with as many digits as are worth reading."""
    return f"{number:,.0f}" if number >= _FEW or number == 0 else f"{number:.1f}"


def _named(growth: Growth) -> str:
    return f"{growth.figure}, {growth.unit}" if growth.unit else growth.figure


def _judged(growth: Growth) -> tuple[str, str]:
    exponent = f"{growth.exponent:.2f}"
    if growth.bound == inf:
        return exponent, ""
    return exponent if growth.holds else f"**{exponent}**", f"{growth.bound:g}"
