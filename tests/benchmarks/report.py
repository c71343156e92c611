"""Turns rounds into the table of `docs/performance.md`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from tests.benchmarks.comparison import Result, Round
from tests.benchmarks.scrapes import Scrape
from tests.benchmarks.variants import BARE, Variant

BEGIN = "<!-- measured: begin, by tests/benchmarks/overhead.py --write -->"
END = "<!-- measured: end -->"
MICROSECONDS = 1_000_000
MILLISECONDS = 1000
KILOBYTE = 1000
#: A task that is long enough for nobody to mind what surrounds it, in seconds.
LONG_TASK = 0.05
#: The children of a worker whose memory is compared as a whole.
FULL_POOL = 4
Column = tuple[str, Callable[["Figures"], str]]


@dataclass(frozen=True)
class Figures:
    """What was measured of one variant, beside the bare worker of the same rounds.

    Attributes:
        rounds: All rounds.
        variant: Which one.
    """

    rounds: Sequence[Round]
    variant: Variant

    def middle(self, read: Callable[[Result], float]) -> float:
        """The median over the rounds."""
        return median(read(results[self.variant.key]) for results in self.rounds)

    def more(self, read: Callable[[Result], float]) -> float:
        """The median of what is more than the bare worker has."""
        return median(read(results[self.variant.key]) - read(results[BARE.key]) for results in self.rounds)

    def against_bare(self, of_round: Callable[[Result, Result], float]) -> str:
        """The spread of ratios to the bare worker."""
        return "1" if self.variant is BARE else spread(ratios(self.rounds, self.variant.key, of_round))

    def microseconds(self, read: Callable[[Result], float]) -> str:
        """A time."""
        return f"{self.middle(read) * MICROSECONDS:.0f} µs"

    def megabytes(self, read: Callable[[Result], float]) -> str:
        """Memory, and what is more."""
        added = "" if self.variant is BARE else f" ({self.more(read):+.1f})"
        return f"{self.middle(read):.1f} MB{added}"

    def milliseconds(self, read: Callable[[Result], float]) -> str:
        """A time that was waited, and what is more."""
        added = "" if self.variant is BARE else f" ({self.more(read) * MILLISECONDS:+.1f})"
        return f"{self.middle(read) * MILLISECONDS:.1f} ms{added}"

    def share(self, seconds: float) -> str:
        """What is more, in per cent of a task that takes so long."""
        return f"{self.more(lambda result: result.spent.cpu.total) / seconds:+.2%}".replace("%", " %")

    def scrape(self, text: Callable[[Scrape], float], form: str) -> str:
        """A figure of its scrapes, where it has any."""
        found = [scrape for results in self.rounds if (scrape := results[self.variant.key].scrape)]
        return form.format(median(map(text, found))) if found else ""


#: What the worker itself pays.
WORKER: tuple[Column, ...] = (
    ("worker", lambda of: of.variant.meaning),
    ("CPU per task", lambda of: of.microseconds(lambda result: result.spent.cpu.total)),
    ("of it MAIN", lambda of: of.microseconds(lambda result: result.spent.cpu.main)),
    ("against bare, median (quartiles)", lambda of: of.against_bare(more_cpu)),
    ("more, of a task of 50 ms", lambda of: "" if of.variant is BARE else of.share(LONG_TASK)),
    ("tasks per second", lambda of: f"{of.middle(lambda result: 1 / result.spent.seconds):.0f}"),
    ("against bare, median (quartiles)", lambda of: of.against_bare(rate)),
    ("private memory of MAIN", lambda of: of.megabytes(lambda result: result.memory.main)),
    ("of a child", lambda of: of.megabytes(lambda result: result.memory.child)),
    ("of MAIN and 4 children", lambda of: of.megabytes(whole_worker)),
    ("CPU per message published", lambda of: of.microseconds(lambda result: result.publishing)),
)
#: What everything around it pays.
AROUND: tuple[Column, ...] = (
    ("worker", lambda of: of.variant.meaning),
    ("from publishing to the task, p50", lambda of: of.milliseconds(lambda result: result.latency.middle)),
    ("p99", lambda of: of.milliseconds(lambda result: result.latency.slowest)),
    ("monitor's CPU per task", lambda of: of.microseconds(lambda result: result.spent.monitor)),
    ("broker's CPU per task", lambda of: of.microseconds(lambda result: result.traffic.cpu)),
    ("broker's commands per task", lambda of: f"{of.middle(lambda result: result.traffic.commands):.1f}"),
    ("bytes to the broker", lambda of: f"{of.middle(lambda result: result.traffic.received) / KILOBYTE:.2f} kB"),
    ("from it", lambda of: f"{of.middle(lambda result: result.traffic.sent) / KILOBYTE:.2f} kB"),
    ("one scrape", lambda of: of.scrape(lambda scrape: scrape.seconds * MILLISECONDS, "{:.0f} ms")),
    ("its commands to the broker", lambda of: of.scrape(lambda scrape: scrape.commands, "{:.0f}")),
)


def tables(rounds: Sequence[Round], variants: Sequence[Variant]) -> str:
    """What the worker pays, and what all around it does."""
    return f"{table(rounds, variants, WORKER)}\n\n{table(rounds, variants, AROUND)}"


def table(rounds: Sequence[Round], variants: Sequence[Variant], columns: Sequence[Column] = WORKER) -> str:
    """The comparison as a Markdown table, a row per variant."""
    rows = [[cell(Figures(rounds, variant)) for _, cell in columns] for variant in variants]
    return "\n".join(_line(cells) for cells in ([name for name, _ in columns], ["---"] * len(columns), *rows))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def more_cpu(result: Result, bare: Result) -> float:
    """CPU per task against the bare worker's."""
    return result.spent.cpu.total / bare.spent.cpu.total


def whole_worker(result: Result) -> float:
    """Private memory of MAIN and four children, in MB."""
    return result.memory.main + FULL_POOL * result.memory.child


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
