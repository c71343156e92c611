"""Turns rounds into the table of `docs/performance.md`."""

from collections.abc import Callable, Sequence
from statistics import median, quantiles

from tests.benchmarks.comparison import Result, Round
from tests.benchmarks.variants import BARE, Variant

BEGIN = "<!-- measured: begin, by tests/benchmarks/overhead.py --write -->"
END = "<!-- measured: end -->"
MICROSECONDS = 1_000_000
COLUMNS = (
    "worker",
    "CPU per task",
    "of it MAIN",
    "against bare, median (quartiles)",
    "tasks per second",
    "against bare, median (quartiles)",
    "private memory of MAIN",
    "of a child",
    "CPU per message published",
)


def table(rounds: Sequence[Round], variants: Sequence[Variant]) -> str:
    """The comparison as a Markdown table, a row per variant."""
    rows = [_row(rounds, variant) for variant in variants]
    return "\n".join(_line(cells) for cells in (COLUMNS, ["---"] * len(COLUMNS), *rows))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _row(rounds: Sequence[Round], variant: Variant) -> tuple[str, ...]:
    def middle(read: Callable[[Result], float]) -> float:
        return median(read(results[variant.key]) for results in rounds)

    def added(read: Callable[[Result], float]) -> str:
        more = median(read(results[variant.key]) - read(results[BARE.key]) for results in rounds)
        return f"{middle(read):.1f} MB" if variant is BARE else f"{middle(read):.1f} MB ({more:+.1f})"

    def against_bare(of_round: Callable[[Result, Result], float]) -> str:
        return "1" if variant is BARE else spread(ratios(rounds, variant.key, of_round))

    return (
        variant.meaning,
        f"{middle(lambda result: result.spent.cpu.total) * MICROSECONDS:.0f} µs",
        f"{middle(lambda result: result.spent.cpu.main) * MICROSECONDS:.0f} µs",
        against_bare(more_cpu),
        f"{middle(lambda result: 1 / result.spent.seconds):.0f}",
        against_bare(rate),
        added(lambda result: result.memory.main),
        added(lambda result: result.memory.child),
        f"{middle(lambda result: result.publishing) * MICROSECONDS:.0f} µs",
    )


def more_cpu(result: Result, bare: Result) -> float:
    """CPU per task against the bare worker's."""
    return result.spent.cpu.total / bare.spent.cpu.total


def rate(result: Result, bare: Result) -> float:
    """Tasks per second against the bare worker's."""
    return bare.spent.seconds / result.spent.seconds


def ratios(rounds: Sequence[Round], key: str, of_round: Callable[[Result, Result], float]) -> list[float]:
    """A variant against the bare worker of the same round, a number per round."""
    return [of_round(results[key], results[BARE.key]) for results in rounds]


def spread(values: Sequence[float]) -> str:
    """The median of ratios, with their quartiles."""
    if len(values) == 1:
        return f"{values[0]:.3f}"
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def replaced(page: str, measured: str, begin: str = BEGIN, end: str = END) -> str:
    """A page with what stands between two markers replaced.

    Raises:
        ValueError: A marker is missing.
    """
    before, begun, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"the page has no place for the numbers: put the lines {begin!r} and {end!r} into it")
    return f"{before}{begin}\n\n{measured}\n\n{end}{after}"
