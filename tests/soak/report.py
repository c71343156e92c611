"""Turns a soak into the table of `docs/performance.md`."""

import os

from tests.soak.run import Soaked
from tests.soak.scene import CHILDREN, WORKERS
from tests.soak.verdict import Change, kept

BEGIN = "<!-- soak: begin, by python -m tests.soak --write -->"
END = "<!-- soak: end -->"
HEAD = ("process", "private memory after the warm-up", "at the end", "change", "descriptors", "threads")


def text(soaked: Soaked) -> str:
    """The conditions, the table, and the verdict."""
    return "\n\n".join((_conditions(soaked), table(soaked), _verdict(soaked)))


def table(soaked: Soaked) -> str:
    """A row for each process."""
    rows = [
        (
            name,
            f"{one.memory.first:.2f} MB",
            f"{one.memory.last:.2f} MB",
            f"{one.memory.growth:+.2%}",
            _counted(one.descriptors),
            _counted(one.threads),
        )
        for name, one in kept(soaked.samples).items()
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (HEAD, ("---", *["---:"] * (len(HEAD) - 1)), *rows))


def _conditions(soaked: Soaked) -> str:
    rate = soaked.attempts / soaked.seconds
    what = "bare Celery" if soaked.bare else "celery-otel, metrics and all spans"
    return (
        f"{soaked.seconds / 60:.1f} minutes of {what}: {soaked.attempts:,} attempts, {rate:.0f} per second, "
        f"{WORKERS} prefork workers with {CHILDREN} children each, {os.cpu_count()} cores; "
        f"the machine's load at the end: {os.getloadavg()[0]:.1f}."
    )


def _verdict(soaked: Soaked) -> str:
    series = Change.of(soaked.samples.series)
    counted = "" if soaked.bare else " Every count and the number of spans equal the plan." * (not soaked.unequal)
    return f"Series of the workers: {series.first:g}, {series.last:g} at the end.{counted}"


def _counted(change: Change) -> str:
    return f"{change.first:g}" if change.first == change.last else f"{change.first:g} → {change.last:g}"
